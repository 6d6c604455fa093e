# The commands of the README, and what is too long for the second; the work is done in tools/.
.PHONY: demo check check-long install dist deb rpm tarball check-packages

PREFIX = /usr/local

demo:
	@tools/demo

check:
	@tools/install-deps check
	@tools/check

check-long:
	@tools/install-deps check
	@tools/check long

# DESTDIR is put before all paths, as packagers need it.
install:
	@[ -f build/build.ninja ] || meson setup build
	@meson configure build -Dprefix=$(PREFIX)
	@ninja -C build
	@DESTDIR=$(DESTDIR) meson install -C build --no-rebuild

# Into build/packages: docs/install.md.
dist deb rpm tarball:
	@tools/package $@

check-packages:
	@tools/check-packages
