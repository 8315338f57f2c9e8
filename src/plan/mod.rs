//! Chains backwards from profile and checks to the steps of a scan. Pure.
