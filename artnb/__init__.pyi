from .backbones import load_backbone as load_backbone
from .cards import Card as Card
from .errors import ArtnbError as ArtnbError
from .images import ImageError as ImageError
from .images import contact_sheet as contact_sheet
from .images import fit as fit
from .images import load_image as load_image
from .images import resize as resize
from .images import save_image as save_image
from .images import shrink as shrink
from .layers import CaffePreprocessing as CaffePreprocessing
from .layers import ChannelStatistics as ChannelStatistics
from .layers import Smoothing as Smoothing
from .losses import content_loss as content_loss
from .losses import content_target as content_target
from .losses import gram_matrix as gram_matrix
from .losses import style_loss as style_loss
from .losses import style_target as style_target
from .losses import total_variation as total_variation
from .models import list_models as list_models
from .models import load_model as load_model
from .paintings.preparation import prepare as prepare
from .settings import using as using
from .style.recipes import style_recipe as style_recipe
from .style.transfer import stylize as stylize

ASKED_BACKEND: str
__version__: str
