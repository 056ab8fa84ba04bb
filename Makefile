# Everyday commands; each calls what run.py made, so nothing needs to be installed by hand.

PY := .venv/bin/python
PIP_COMPILE := CUSTOM_COMPILE_COMMAND="make requirements" .venv/bin/pip-compile --quiet --generate-hashes \
	--strip-extras --allow-unsafe --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help start test lint types migrations-lint check docs pictures requirements bench psql reset

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-16s %s\n", $$1, $$2 }'

start: ## Start the console and everything it needs
	python3 run.py

test: ## Run the tests (python3 run.py test tests/rules runs some)
	python3 run.py test

lint: ## Check style with ruff
	.venv/bin/ruff check .

types: ## Check types with mypy
	.venv/bin/mypy

migrations-lint: ## Check the SQL of migrations for what blocks or breaks a running database
	.ci/migrations-lint

check: ## Everything that CI checks
	.ci/run

docs: ## Write the pages that are made from code
	$(PY) config.py > docs/configuration.md
	python3 run.py flask docs write

pictures: ## Take the pictures of the docs anew, from the running demo (needs Chromium)
	eval "$$(python3 run.py env)" && $(PY) docs/pictures/make.py

requirements: ## Pin the closure of requirements.in and requirements-dev.in
	$(PIP_COMPILE) --output-file requirements.txt requirements.in
	$(PIP_COMPILE) --output-file requirements-dev.txt requirements-dev.in
	$(PIP_COMPILE) --output-file requirements-node.txt requirements-node.in

bench: ## List the measurements (python3 run.py bench NAME runs one)
	python3 run.py bench

psql: ## Open psql on the demo's database
	python3 run.py psql

reset: ## Remove the demo's database, files and logs
	python3 run.py reset
