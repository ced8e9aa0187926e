// SPDX-License-Identifier: MIT
//
// The sketch as a program that ends: what Arduino puts around it.
#include "Alert.ino"

int main()
{
    setup();
}
