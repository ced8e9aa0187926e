# SPDX-License-Identifier: MIT
#
# Faults planted in the source one at a time, and which test finds them. What is exchanged is made below the build directory.
mutants = $(pytest_finds) tests/mutants/mutants.py --build $(BUILD)

mutants: need-unit need-interop unit-programs all fast ## plants N= faults (100), drawn by SEED= (1), in FILES= (all): who finds them, of the command's tests SCENES= (all); goes on where it ended
	+@SCENES='$(SCENES)' $(mutants) -n $(or $(N),100) --seed $(or $(SEED),1) $(FILES)

mutants-left: need-san need-interop unit-programs all fast ## those that were left go to the sanitizers, in full, and to the tests of the command
	+@$(sanitized) unit-programs all fast
	+@SCENES='$(SCENES)' $(mutants) --left $(FILES)

mutants-known: need-unit unit-programs ## the faults of tests/mutants/known.txt: each must be found
	+@$(mutants) --known

.PHONY: mutants mutants-left mutants-known
