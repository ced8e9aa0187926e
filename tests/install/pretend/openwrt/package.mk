# SPDX-License-Identifier: MIT

define Build/Prepare/Default
	mkdir -p $(PKG_BUILD_DIR)
	$(TAR) -xzf $(DL_DIR)/$(PKG_SOURCE) -C $(PKG_BUILD_DIR) --strip-components=1
endef

# What is defined under a name is KEY:=VALUE a line.
define Download
$(eval $(Download/$(1)))
$(info fetch $(FILE) from $(URL) as $(HASH))
endef

define BuildPackage
package:
	$$(call Build/Prepare)
	$$(call Build/Compile)
	$$(call Package/$(1)/install,$(ROOT))
endef
