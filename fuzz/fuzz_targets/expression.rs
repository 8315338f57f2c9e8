//! Any text as a condition: read, typed, evaluated on made-up facts, and made wrong in every way that mutation knows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use postern::catalogue::try_expression;

fuzz_target!(|input: &[u8]| try_expression(input));
