# neurosieve. `make` on a fresh clone makes .venv, installs the pinned packages and runs the main study; `make help`
# lists the rest. Needs Python >= 3.11, make, git and a Python package index.
#   make PYTHON=python3.12        another interpreter for .venv
#   make TORCH_INDEX=URL          take torch, and nothing else, from this package index. On Linux the usual index gives a
#                                 CUDA build of several GB; with the URL of the "PyTorch CPU index" it is about 200 MB
#   make STUDY=granet             another study than ssd
#   make ARGS="-n"                more options for Snakemake; `save` and `restore` take their own
#   make test TEST_ARGS="-k sam"  more options for pytest
#   make bench BENCH_ARGS="-k dampen"  only some races
PYTHON ?= python3
TORCH_INDEX ?=
STUDY ?= ssd
ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=
DATA ?=
DATA_URL ?=

BIN := .venv/bin
# An installation is valid for what these files say, in this folder: their checksum, not their times, names its stamp.
KEY := $(shell { echo '$(CURDIR)'; cat pyproject.toml constraints.txt; } | cksum | tr ' ' '-')
RUN := .venv/.installed-run-$(KEY)
DEV := .venv/.installed-dev-$(KEY)
INSTALL := TORCH_INDEX='$(TORCH_INDEX)' $(PYTHON) workflow/install.py

.NOTPARALLEL:
.PHONY: study all test test-faults test-cluster bench nightly lint format docs data save restore clean help env env-dev

study: $(RUN) ## the main study, ssd, and its page (default)
	@$(BIN)/snakemake $(STUDY) $(ARGS); code=$$?; $(BIN)/neurosieve verdicts $(STUDY); exit $$code

all: $(RUN) ## every study
	@$(BIN)/snakemake --cores all $(ARGS); code=$$?; $(BIN)/neurosieve verdicts; exit $$code

test: $(DEV) ## the whole test suite
	$(BIN)/python -m pytest $(TEST_ARGS)

test-faults: $(DEV) ## the fault matrix in its long form: kills at random moments, 20 times each
	$(BIN)/python -m pytest -m faults $(TEST_ARGS)

test-cluster: $(DEV) ## the cluster tier: a real Slurm of one node on loopback
	$(BIN)/python -m pytest -m cluster tests/cluster $(TEST_ARGS)

bench: $(DEV) ## races against plain code and peers, as a table of ratios
	$(BIN)/python -m pytest benchmarks --benchmark-quiet $(BENCH_ARGS)

lint: $(DEV) ## style, types, layers, Snakemake's linter, generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/python workflow/lint.py
	$(BIN)/pyrefly check
	$(BIN)/lint-imports --no-logo
	$(BIN)/python docs/generate.py --check

format: $(DEV) ## rewrite all code in the one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

docs: $(RUN) ## rewrite the generated pages of docs/
	$(BIN)/python docs/generate.py

data: $(RUN) ## fetch a public data set: make data DATA=fashion-mnist DATA_URL=...
	@DATA_URL='$(DATA_URL)' $(BIN)/python workflow/fetch.py $(DATA)

save: $(RUN) ## keep the store: commit it to DVC and push it
	$(BIN)/neurosieve save $(ARGS)

restore: $(RUN) ## fetch what the store lacks and draw the page
	$(BIN)/neurosieve restore $(ARGS)

nightly: ## one scheduled run: pull, restore, run, save, compare the verdicts
	@$(PYTHON) workflow/nightly.py

clean: ## remove caches; results, data and .venv stay
	rm -rf .benchmarks .hypothesis .import_linter_cache .pytest_cache .ruff_cache .snakemake build dist
	find benchmarks docs src tests workflow -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(RUN) ## only make .venv, with what runs need
env-dev: $(DEV) ## only make .venv, with what development needs

$(RUN):
	@$(INSTALL) run $(RUN)
$(DEV):
	@$(INSTALL) dev $(RUN) $(DEV)
