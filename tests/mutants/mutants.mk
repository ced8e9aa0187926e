# SPDX-License-Identifier: MIT
#
# Faults planted one at a time in a copy of the source, below the build directory, and which test finds them.
mutants = BEARSSL_DIR=$(abspath $(cross_h:%/inc/bearssl.h=%)) PYTHONDONTWRITEBYTECODE=1 tests/mutants/mutants.py --tree $(BUILD)/mutants

mutants: need-unit | $(cross_h) ## plants N= faults (100), drawn by SEED= (1), in FILES= (all): who finds them; goes on where it ended
	+@$(mutants) -n $(or $(N),100) --seed $(or $(SEED),1) $(FILES)

mutants-left: need-san need-interop | $(cross_h) ## those that were left go to the sanitizers, and to the tests of the command or of lwIP
	+@$(mutants) --survivors

mutants-known: need-unit | $(cross_h) ## the faults of tests/mutants/known.txt: each must be found
	+@$(mutants) --known

.PHONY: mutants mutants-left mutants-known
