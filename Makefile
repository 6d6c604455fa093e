# The two commands of the README; the work is done in tools/.
.PHONY: demo check

demo:
	@tools/demo

check:
	@tools/install-deps check
	@tools/check
