# The habits. `make` alone lists them.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# Committed outputs are about the built-in paintings, whatever this shell points artnb at.
HERMETIC := env -u ARTNB_DATA -u ARTNB_SOURCE -u ARTNB_MONET_DATA -u ARTNB_PROFILE -u ARTNB_SEED ARTNB_WEIGHTS=packaged
# As in artnb/__init__.py, for notebooks that import TensorFlow or Keras before artnb.
export TF_ENABLE_ONEDNN_OPTS ?= 1
export KERAS_BACKEND := tensorflow
# What `make lab` opens: `make lab NOTEBOOKS=learner` opens the learner's edition.
NOTEBOOKS := notebooks
LEARNER := learner

# One after the other, in processes of their own: TensorFlow gives little of its memory back, and a process that has
# tested all kinds of networks would hold 4 GB. The notebooks have kernels of their own, beside which nothing else is
# held; their own tests follow as soon as no notebook is left to begin.
PARTS := "tests/test_*.py tests/paintings tests/operation tests/widgets" "tests/backbones tests/style tests/browser" \
	"tests/classification tests/cyclegan" "notebooks tests/notebooks"

WORKERS := -n 2 --dist loadfile --no-loadscope-reorder # which files go together, conftest.py says

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

lab: .venv/ready ## JupyterLab on the notebooks (Ctrl-C twice ends it)
	@mkdir -p .venv/etc/ipython && cp tools/ipython_kernel_config.py .venv/etc/ipython/
	$(BIN)/jupyter lab --no-browser $(if $(filter 0,$(shell id -u)),--allow-root) --ServerApp.root_dir="$(NOTEBOOKS)" \
		--ServerApp.tornado_settings="{'websocket_max_message_size': 314572800}" # uploads of 200 MB reach a widget

demo: .venv/ready ## the pages to play with; open the address that it prints (Ctrl-C ends it)
	$(BIN)/artnb demo

check: .venv/ready lint ## style, types, and the quick unit tests, without notebooks and browser: a few minutes
	$(BIN)/python -m pytest -q $(WORKERS) -m "not slow and not nightly" tests --ignore=tests/notebooks --ignore=tests/browser

test: .venv/ready ## unit tests, and the notebooks as regression tests
	@failed=; for part in $(PARTS); do \
		echo "tests: $$part"; \
		$(BIN)/python -m pytest -q $(WORKERS) --nbval -m "not nightly" --durations=20 --durations-min=10 $$part || failed=yes; \
	done; test -z "$$failed"

test-wheel: .venv/ready ## build the wheel, install it into an empty environment, and try what it promises
	$(BIN)/python -m pytest -q --durations=5 tests/wheel.py

nightly: .venv/ready ## the tests that take minutes each, after `make test`, whose models they use
	$(BIN)/python -m pytest -q $(WORKERS) -m nightly tests

soak: .venv/ready ## the pages for long: uploads of 200 MB, four visitors at once for five minutes
	$(BIN)/python -m pytest -q -s tests/browser/soak.py

course: .venv/ready ## run every notebook and write the pages to build/course (on ARTNB_DATA if that is set)
	ARTNB_WEIGHTS=$${ARTNB_WEIGHTS-packaged} $(BIN)/artnb course pages -o build/course --overwrite

site: .venv/ready ## write the course as it was saved to build/site: pages with a search, for any server or none
	rm -rf build/site
	$(BIN)/artnb course site -o build/site

notebooks: .venv/ready ## run every notebook and save its outputs in place
	$(HERMETIC) $(BIN)/artnb course save

learner: .venv/ready ## the learner's edition, solutions taken out, in learner/; what is there is never overwritten
	$(BIN)/artnb course learner -o $(LEARNER)
	@echo "or, here: make lab NOTEBOOKS=$(LEARNER)"

teacher: .venv/ready ## the teacher's edition, a page a notebook with plan, solutions and answers, in build/teacher
	rm -rf build/teacher
	$(BIN)/artnb course teacher -o build/teacher

format: .venv/ready ## lay the code out
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

lint: .venv/ready ## style, layout and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

hooks: .venv/ready ## check style, layout and types before every commit
	$(BIN)/pre-commit install

pictures: .venv/ready ## paint the README's and the pages' pictures anew, and photograph the pages
	$(HERMETIC) PYTHONPATH=. $(BIN)/python docs/pictures.py

studio: .venv/ready ## paint the collection that ships anew, in a few minutes
	rm -rf $(addprefix artnb/paintings/studio/,images photo_jpg monet_jpg)
	PYTHONPATH=. $(BIN)/python -m tools.studio artnb/paintings/studio

commands: .venv/ready ## write the help of all commands to docs/commands.md
	PYTHONPATH=. $(BIN)/python tools/commands.py

results: .venv/ready ## record what real paintings give (ARTNB_DATA, ARTNB_MONET_DATA) in data/results: hours, resumed after a stop
	ARTNB_WEIGHTS=$${ARTNB_WEIGHTS-packaged} $(BIN)/python -m tools.results

lock: .venv/ready ## choose the newest versions anew and write them to requirements.lock
	$(BIN)/uv lock --quiet --upgrade
	$(BIN)/uv export --quiet --frozen --all-extras --group lock --no-annotate --no-header \
		--no-emit-project --output-file requirements.lock
	rm uv.lock

clean: ## remove what the commands above made, but for downloads, fully trained models and the environment
	rm -rf build/course build/pages build/site build/teacher dist .pytest_cache .ruff_cache notebooks/.ruff_cache .mypy_cache data/models/*-quick-*

# The environment. The stamp is written last, so that an interrupted installation is taken up again.
.venv/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "artnb needs Python 3.11, 3.12 or 3.13 (TensorFlow has no build for others yet); found: $$(python3 --version 2>&1). Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements # asks the network for news
	@touch $@

.PHONY: help lab demo check test test-wheel nightly soak course site notebooks learner teacher format lint hooks pictures studio commands results lock clean
