//! The nouns: values that every other room speaks of. Nothing here does anything.

pub mod chain;
pub mod complaint;
pub mod digest;
pub mod heard;
pub mod moment;
pub mod net;
pub mod observation;
pub mod outcome;
pub mod person;
pub mod plan;
pub mod reason;
pub mod record;
pub mod said;
pub mod saw;
pub mod severity;
pub mod subject;
pub mod value;
