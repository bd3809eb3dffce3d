"""How Voilà serves the pages: `make demo`, or `voila .` in this folder."""

import os

from artnb.images import MAX_BYTES
from artnb.widgets.parts import TEMPLATES

c = get_config()  # noqa: F821, given by Voilà

# Voilà looks for templates in Jupyter's data folders.
os.environ["JUPYTER_PATH"] = os.pathsep.join(
    filter(None, [str(TEMPLATES), os.environ.get("JUPYTER_PATH")])
)
c.VoilaConfiguration.template = "artnb"
c.VoilaConfiguration.allow_template_override = "NO"
c.VoilaConfiguration.allow_theme_override = "NO"
c.VoilaConfiguration.classic_tree = True  # the start page: tree.html of our template
c.VoilaConfiguration.strip_sources = True
c.VoilaConfiguration.show_tracebacks = False
c.VoilaConfiguration.file_allowlist = []
c.VoilaConfiguration.extension_allowlist = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
]

c.Voila.ip = "127.0.0.1"
c.Voila.port = 8866
c.Voila.open_browser = False
# An upload is one message. Half as much again, so that a file above the limit arrives and is refused with a sentence.
# A page that is closed asks for its kernel's end, but Voilà forgets the token that would allow it; nothing else is
# asked for in this way, and nobody can guess the name of another one's kernel.
c.Voila.tornado_settings = {
    "websocket_max_message_size": MAX_BYTES * 3 // 2,
    "disable_check_xsrf": True,
}

# One kernel for each page waits with TensorFlow loaded, so a page opens in a moment; --preheat_kernel=False saves
# the memory.
c.VoilaConfiguration.preheat_kernel = True
c.VoilaConfiguration.default_pool_size = 1

# A browser that is killed cannot say that a page is closed; then nobody is connected to its kernel.
c.MappingKernelManager.cull_idle_timeout = 60
c.MappingKernelManager.cull_interval = 20
c.MappingKernelManager.cull_connected = False
c.MappingKernelManager.cull_busy = True
