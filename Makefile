# make demo and make test need only git, make and Python 3.11 or newer; the rest is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
READY_DEMO := .venv/.ready-demo
READY := .venv/.ready
READY_DOCS := .venv/.ready-docs
PIP_INSTALL := $(BIN)/python -m pip install --progress-bar off --constraint constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The demo's hybrid and digital link code by JPEG2000, which is quick; HEVC and AVIF give better pictures.
DEMO_SYSTEMS := --system jpeg2000+ldpc-fine+hybrid --system universal-s --system jpeg2000+ldpc-fine

.PHONY: demo test test-slow test-gnuradio release-test lint docs kodak browser benchmark fuzz soak clean

demo: $(READY_DEMO)  ## send a sample photograph, compare links, leave pictures and a table in out/
	@mkdir -p out
	@echo "1/4 Sending a photograph at 3 dB, by the hybrid and at the same bandwidth by two others: out/coffee*.png"
	$(BIN)/deepjscc send sample:coffee -o out/coffee.png --snr-db 3 --bandwidth-ratio 1/12 --compare universal-s,jpeg2000
	@echo "2/4 Drawing it at six SNRs where every transmitter knows the SNR of its column: out/sheet-snr-known.png"
	$(BIN)/deepjscc sheet sample:coffee $(DEMO_SYSTEMS) --snr-db=-5:20:5 --bandwidth-ratio 1/12 \
		-o out/sheet-snr-known.png
	@echo "3/4 Drawing it again where every transmitter plans for 5 dB: out/sheet-planned-for-5-db.png"
	$(BIN)/deepjscc sheet sample:coffee $(DEMO_SYSTEMS) --encoder-snr-db 5 --snr-db=-5:20:5 --bandwidth-ratio 1/12 \
		-o out/sheet-planned-for-5-db.png
	@echo "4/4 Measuring both cases on three photographs: out/results.txt, out/psnr_vs_snr.svg and .png"
	$(BIN)/deepjscc evaluate $(DEMO_SYSTEMS) --data samples --images 3 --bandwidth-ratio 1/12 --snr-db=-5:20:5 \
		-o out/results.parquet > out/results.txt
	$(BIN)/deepjscc evaluate $(DEMO_SYSTEMS) --data samples --images 3 --bandwidth-ratio 1/12 --encoder-snr-db 5 \
		--snr-db=-5:20:5 -o out/results.parquet >> out/results.txt
	@cat out/results.txt
	$(BIN)/deepjscc plot out/results.parquet -o out/psnr_vs_snr.svg
	$(BIN)/deepjscc plot out/results.parquet -o out/psnr_vs_snr.png
	@echo "Look at out/sheet-snr-known.png, out/sheet-planned-for-5-db.png, out/psnr_vs_snr.svg and out/results.txt"

test: $(READY)  ## the whole suite but for what takes minutes
	$(BIN)/python -m pytest -n auto

test-slow: $(READY)  ## what takes minutes, on the real data in $$DEEPJSCC_DATA; skipped where there are none
	$(BIN)/python -m pytest -m slow -n auto --dist loadfile $(SLOW)

test-gnuradio: $(READY)  ## GNU Radio's channel model between our tx and rx; installs Debian's gnuradio, 700 MB
	/usr/bin/python3 -c 'import gnuradio' 2> /dev/null || \
		{ apt-get update && apt-get install --yes --no-install-recommends gnuradio; }
	$(BIN)/python -m pytest -m gnuradio -n 0

release-test: $(READY_DEMO)  ## build the wheel, install it outside the checkout, run send, evaluate, tx, rx, export, serve
	$(BIN)/python tools/release_test.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY_DOCS)  ## the site in out/docs, notebooks run; a warning is an error
	$(BIN)/python -m sphinx -b html -W --keep-going -E -q -d out/.doctrees docs out/docs
	@echo "Look at out/docs/index.html"

FUZZ ?= 1000
CLIENTS ?= 50
SECONDS ?= 300

fuzz: $(READY)  ## mutated files, layers and radio captures, and tiny pictures; not part of the tests
	$(BIN)/python tools/fuzz/files.py --count $(FUZZ)
	$(BIN)/python tools/fuzz/layers.py --count $(FUZZ)
	$(BIN)/python tools/fuzz/captures.py --count $(FUZZ)
	$(BIN)/python tools/fuzz/tiny.py --count $(FUZZ)

soak: $(READY)  ## many clients on the page, hostile ones among them; not part of the tests
	$(BIN)/python tools/fuzz/soak_page.py --clients $(CLIENTS) --seconds $(SECONDS)

browser:  ## Debian's Chromium, in which the page is tested; without it those tests are skipped
	command -v chromium || { apt-get update && apt-get install --yes --no-install-recommends chromium; }

kodak: $(READY)  ## the README's table; needs $$DEEPJSCC_DATA/kodak
	mkdir -p out
	$(BIN)/deepjscc evaluate --system hevc+ldpc-fine+hybrid --system hevc+ldpc-fine --system universal-s \
		--system linear --system jpeg2000+ideal --data kodak --bandwidth-ratio 1/8 --snr-db=-5:20:5 -o out/kodak.parquet
	$(BIN)/deepjscc plot out/kodak.parquet -o out/kodak.svg

benchmark: $(READY)  ## latency, memory, share of the machine's limits; a quiet machine, half an hour; not part of the tests
	mkdir -p out
	$(BIN)/python -m pytest benchmarks -n 0 -o addopts= -o python_files='bench_*.py' -o timeout=0 -q \
		--benchmark-disable-gc --benchmark-columns=median,min,rounds --benchmark-json out/benchmark-raw.json
	$(BIN)/python benchmarks/keep.py out/benchmark-raw.json out/benchmark.json
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/bulk.py
	$(BIN)/python benchmarks/memory.py linear
	$(BIN)/python benchmarks/memory.py universal-s

$(READY_DEMO): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "deepjscc needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv .venv
	@echo "Installing deepjscc and what the demo needs into .venv. The first time pip downloads torch, which takes minutes."
	$(PIP_INSTALL) --editable '.[samples]'
	touch $(READY_DEMO)

$(READY): $(READY_DEMO)
	@echo "Installing every optional package and the test tools into .venv. The first time this takes minutes."
	$(PIP_INSTALL) --editable '.[dev]'
	touch $(READY)

$(READY_DOCS): $(READY)
	@echo "Installing Sphinx into .venv."
	$(PIP_INSTALL) --editable '.[docs]'
	touch $(READY_DOCS)

clean:
	rm -rf .venv out build dist
