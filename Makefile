# SPDX-License-Identifier: Apache-2.0
# The front door. Each target does its own set-up; see CONTRIBUTING.md.
.PHONY: all setup run test bench audit lint format tsan fuzz coverage install clean

MESON = meson setup --wipe
TIME ?= 60

all: build/release/build.ninja
	@ninja -C build/release --quiet

setup:
	@scripts/setup

build/release/build.ninja: | setup
	@meson setup build/release --buildtype=release >/dev/null

# The server on http://127.0.0.1:8000 with the embedded store.
run: setup all
	@exec build/release/mayflyd

# Every test, with ASan and UBSan. FAST=1 leaves out the long ones.
test: setup all
	@scripts/test

bench: setup all
	@scripts/bench
	@scripts/bench-client

# The page as Lighthouse sees it; fetches Lighthouse at the first time.
audit: setup all
	@scripts/audit-page

# clang-format, clang-tidy, shellcheck, the layer, ban and size checks; both compilers.
lint: setup
	@scripts/lint

format: setup
	@git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' | xargs clang-format -i

# The unit, contract and end-to-end tests with the thread sanitizer.
tsan: setup
	@scripts/test --tsan

# Each fuzz target for TIME seconds (make fuzz TIME=600).
fuzz: setup
	@scripts/fuzz $(TIME)

coverage: setup
	@scripts/test --coverage

install: all
	@meson install -C build/release

clean:
	@rm -rf build
