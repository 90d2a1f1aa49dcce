# The front door. CMake does the work, in build/.
#   make [all]  make run  make test  make test-programs  make bench  make lint
#   make install [PREFIX=/usr/local] [DESTDIR=]  make uninstall  make deb  make clean
# CMAKE_ARGS passes settings on: make CMAKE_ARGS=-DCHUNKY_CONFIG=audit BUILD=build-audit

BUILD      ?= build
PREFIX     ?= /usr/local
JOBS       ?= $(shell nproc 2>/dev/null || echo 2)
CMAKE_ARGS ?=
ARGS       ?=

MAKEFLAGS  += --no-print-directory

.PHONY: all everything configure deps run test test-programs bench lint format \
        install uninstall deb clean

all: configure
	@cmake --build $(BUILD) --parallel $(JOBS) --target product

everything: configure
	@cmake --build $(BUILD) --parallel $(JOBS)

configure:
	@command -v cmake >/dev/null || { echo 'cmake is missing: scripts/deps build'; exit 1; }
	@cmake -S . -B $(BUILD) $(CMAKE_ARGS) >$(or $(TMPDIR),/tmp)/chunky-configure.$$$$ 2>&1 \
	  || { cat $(or $(TMPDIR),/tmp)/chunky-configure.$$$$; exit 1; }; \
	  rm -f $(or $(TMPDIR),/tmp)/chunky-configure.$$$$

deps:
	@scripts/deps build

run:
	@scripts/deps run
	@echo 'building libchunky.so and chunky in $(BUILD) (the compiler is not shown) ...'
	@mkdir -p $(BUILD)
	@$(MAKE) all >$(BUILD)/make-run.log 2>&1 || { cat $(BUILD)/make-run.log; exit 1; }
	@scripts/run-demo $(BUILD)

test:
	@scripts/deps build lint test
	@scripts/ci $(ARGS)

test-programs:
	@scripts/deps build programs
	@scripts/ci programs

bench: all
	@scripts/deps bench
	@bench/all --build $(BUILD) $(ARGS)

lint:
	@scripts/deps lint
	@scripts/ci lint

format:
	@scripts/check-format --fix

# The dynamic linker's cache learns of the library, and forgets it, where that is allowed.
cache = if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then PATH="$$PATH:/sbin" ldconfig || true; fi

install: all
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)
	@$(cache)

uninstall:
	@DESTDIR=$(DESTDIR) cmake -DBUILD=$(BUILD) -P cmake/uninstall.cmake
	@$(cache)

# A build of its own: the package's prefix is /usr, whatever this tree's is.
deb:
	@$(MAKE) all BUILD=$(BUILD)/package \
	  CMAKE_ARGS='$(CMAKE_ARGS) -DCMAKE_INSTALL_PREFIX=/usr -DCHUNKY_TESTS=OFF'
	@cd $(BUILD)/package && cpack -G DEB -B ..

clean:
	@rm -rf $(BUILD)
