//! A review as it happens: a health centre's booking system, run by a contractor who left some gates open.

use postern::review::{Review, sample};

pub fn review() -> Review {
    sample::small()
}
