# SPDX-License-Identifier: MIT
#
# Proofs by the model checker CBMC, which is unpacked below the build directory. prove-check leaves out what takes long.
prove = tests/prove/prove.py --cbmc $(BUILD)/cbmc/run --work $(BUILD)/prove $(if $(PLANTED),--planted)

$(BUILD)/cbmc/run: tests/prove/cbmc.sh
	@tests/prove/cbmc.sh $(@D)

prove: need-prove $(BUILD)/cbmc/run | $(cross_h) ## what is true for every input, by CBMC; T=NAME: one proof; PLANTED=1: faults it must refute
	@$(prove) --bearssl $(cross_h:%/inc/bearssl.h=%) $(T)

prove-check: need-prove $(BUILD)/cbmc/run | $(cross_h)
	@$(prove) --bearssl $(cross_h:%/inc/bearssl.h=%) --short

pkg-prove := python3 gcc libc6-dev
.PHONY: prove prove-check
