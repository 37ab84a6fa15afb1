# Everything needs only Python >= 3.11, git and make; `make install` puts the rest into .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin

# Every process of the tests would compile again what the one before it has compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo up check test coverage mutants conformance audit lint ruff types imports format install requirements clean

demo: install
	@$(RUN)/tdnet demo

up: install
	@$(RUN)/tdnet up

# Before each commit. What takes long, or starts Dagster's daemon or PostgreSQL, waits for `test`.
check: lint
	$(RUN)/pytest -m "not slow and not e2e and not deploy" --hypothesis-profile check --durations 5

test: install
	$(RUN)/pytest --durations 10

# The whole suite again, measured; its floor and what is left out on purpose are in setup.cfg.
# Three workers on two cores: what is tested end to end mostly waits.
coverage: install
	$(RUN)/pytest -n 3 --durations 10 --cov

# Single changes to the modules that the branch touches, and those that no test notices.
# Options: make mutants MUTANTS="--sample 100 --seed 2 tdnet_assets/tdnet"
mutants: install
	@$(RUN)/python -m benchmarks.mutants $(MUTANTS)

# Known faults in the pinned versions; the one target that asks the network each time.
audit: install
	$(PYTHON) -m venv --upgrade-deps $(VENV)/audit
	$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check 'pip-audit>=2.9,<3'
	$(VENV)/audit/bin/pip-audit --disable-pip --require-hashes --requirement requirements.txt
	$(VENV)/audit/bin/pip-audit --disable-pip --require-hashes --requirement deploy/requirements.txt

# The same day on servers that are not ours; says loudly which of them does not install here.
conformance: install
	$(RUN)/python -m benchmarks.conformance

lint: ruff types imports

ruff: install
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: install
	$(RUN)/mypy

imports: install
	$(RUN)/lint-imports --no-logo

format: install
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

install: $(VENV)/.installed

# --no-deps: requirements.txt is the complete, hashed set, so nothing is left to resolve.
$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "installing what requirements.txt pins into $(VENV) (about three minutes, once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@$(RUN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Re-pins every dependency (needs uv); addresses are left out on purpose.
requirements:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --no-strip-extras \
		--output-file requirements.txt
	uv pip compile pyproject.toml deploy/requirements.in --extra postgres --universal \
		--python-version 3.11 --constraints requirements.txt --generate-hashes --no-annotate \
		--no-header --no-emit-index-url --no-strip-extras --output-file deploy/requirements.txt

clean:
	rm -rf $(VENV) build *.egg-info
