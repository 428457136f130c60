# Everything a newcomer needs: `make acceptance` and `make test` do all set-up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: acceptance test check bench soak run-env dev-env browser requirements clean

acceptance: run-env  ## paper plan on the emulator; leaves reports/acceptance.html
	$(BIN)/python -m pytest --target=emulator --plan=paper --fresh

test: check  ## every check, and every test of the software that is not marked slow
	$(BIN)/python -m pytest tests -m "not slow" -n 2 --dist loadfile --cov --cov-report=term

check: dev-env browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: dev-env  ## speed, side by side with the named baseline; writes reports/benchmarks.json
	$(BIN)/python -m tests.benchmarks

soak: dev-env  ## 200 runners and 50 labs killed in one run; nothing lost, nothing doubled (about 15 minutes)
	$(BIN)/python -m tests.soak

run-env: $(VENV)/run.stamp
dev-env: $(VENV)/dev.stamp

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/run.txt
	touch $@

$(VENV)/dev.stamp: requirements/dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	touch $@ $(VENV)/run.stamp

# The report is looked at in headless Chromium; where it cannot be installed those tests skip and say so.
browser:
	@command -v chromium >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	  echo "no Chromium here and no right to install it: the browser tests will be skipped"

requirements:  ## compile requirements/*.txt anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  requirements/run.in -o requirements/run.txt
	cd requirements && uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header dev.in -o dev.txt

clean:
	rm -rf $(VENV) reports
