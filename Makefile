# The commands of the README, and what is too long for the second; the work is done in tools/.
.PHONY: demo check check-long

demo:
	@tools/demo

check:
	@tools/install-deps check
	@tools/check

check-long:
	@tools/install-deps check
	@tools/check long
