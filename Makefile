# SPDX-License-Identifier: GPL-2.0-or-later
# Two commands are all there is to know: `make run` and `make test`. Nothing is done twice: files in build/setup and
# .venv say what has been done already.

PYTHON ?= python3
PORT ?= 4433
SOURCES ?=
BENCH ?=

SERVER := images/build/tls_server.elf
BUILD_IMAGES := $(PYTHON) images/build.py $(if $(SOURCES),--sources "$(SOURCES)")
IMAGE_SOURCES := $(shell find images -path images/build -prune -o -path '*/__pycache__' -prune -o -type f -print)

export PYTHON

# What else the goal will need of Debian, so that all that is missing is installed, or named, at once.
run: NEEDS := images
test check fidelity flash-savings sanitizers: NEEDS := tests

.PHONY: all run test check soak mutations bulk tlsfuzzer testssl atlas fidelity flash-savings sanitizers bench images clean
.DELETE_ON_ERROR:

all: .venv/ready

run: .venv/ready $(SERVER)
	@exec .venv/bin/stm32emu run $(SERVER) --port $(PORT):4433

test: .venv/ready-for-tests images
	@$(BUILD_IMAGES) --host-tools
	@scripts/check
	@.venv/bin/python -m pytest

# Generated programs against QEMU, on both supported versions of Unicorn: docs/fidelity.md.
fidelity: .venv/ready-for-tests
	@.venv/bin/python tests/fidelity/run.py --programs 20000

check: .venv/ready-for-tests
	@scripts/check

# What must hold for long, at full length: docs/soak.md. Takes hours.
soak: .venv/ready-for-tests images
	@$(BUILD_IMAGES) --host-tools
	@STM32EMU_HANDSHAKES=200 STM32EMU_CONNECTIONS=20 STM32EMU_ROUNDS=40 STM32EMU_RUNS=20 .venv/bin/python -m pytest \
		tests/firmware/test_handshakes.py tests/firmware/test_variants.py tests/firmware/test_explain.py \
		tests/firmware/test_explain_rows.py tests/firmware/test_variant_checks.py tests/firmware/test_fault_symptoms.py

# What `stm32emu atlas` knows, measured anew.
atlas: .venv/ready-for-tests images
	@$(BUILD_IMAGES) --host-tools
	@PYTHONPATH=tests:tests/firmware:tests/oracle .venv/bin/python scripts/atlas.py

# 100 000 damaged TLS handshakes each for the observer and for the TLS server: docs/explain.md, docs/twin.md.
mutations: .venv/ready-for-tests
	@STM32EMU_MUTATIONS=100000 .venv/bin/python -m pytest \
		tests/property/test_tls_mutations.py tests/property/test_twin_flights.py

# 16 MB through the TLS server and back with every client: docs/twin.md.
bulk: .venv/ready-for-tests images
	@$(BUILD_IMAGES) --host-tools
	@STM32EMU_BULK=16777216 .venv/bin/python -m pytest tests/oracle/test_twin_bulk.py

# What `stm32emu doctor flash` says is saved by dropping a macro, against a rebuild without it: docs/doctor.md.
flash-savings: .venv/ready-for-tests images
	@STM32EMU_ALL_MACROS=1 .venv/bin/python -m pytest tests/firmware/test_doctor_flash.py

# tlsfuzzer's scripts for TLS 1.2 against `stm32emu serve`: docs/twin.md. TLSFUZZER is a checkout of it.
tlsfuzzer: .venv/ready-for-tests
	@.venv/bin/python tests/tlsfuzzer/run.py $(TLSFUZZER)

# All that testssl.sh tests, of `stm32emu serve`; `make test` has some of it: docs/twin.md.
testssl: .venv/ready-for-tests
	@STM32EMU_TESTSSL=1 .venv/bin/python -m pytest tests/oracle/test_twin_testssl.py

# The core by AddressSanitizer, too; `make test` has UndefinedBehaviorSanitizer.
sanitizers: .venv/ready-for-tests
	@STM32EMU_SANITIZERS=address,undefined .venv/bin/python -m pytest tests/firmware/test_core_sanitized.py

# Takes minutes and wants an otherwise idle machine; BENCH="interrupts idle" measures only those.
bench: .venv/ready-for-tests images
	@PYTHONPATH=tests/firmware:tests .venv/bin/python -m benchmarks $(BENCH)

images: build/setup/images
	@$(BUILD_IMAGES)

clean:
	rm -rf .venv build images/build *.egg-info .*_cache .hypothesis emu/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/ready: pyproject.toml setup.py constraints.txt $(wildcard emu/_core*.[ch])
	@scripts/setup venv $(NEEDS)
	@touch $@

.venv/ready-for-tests: .venv/ready
	@scripts/setup tests
	@touch $@

build/setup/images:
	@scripts/setup images
	@mkdir -p $(@D) && touch $@

$(SERVER): build/setup/images $(IMAGE_SOURCES)
	@$(BUILD_IMAGES) tls_server
	@touch $@
