//! Postern finds the gates that an outsourced provider left open, and turns what it saw into a review.
//!
//! The rooms stand in reading order, lowest layer first; each uses only those above it in this list, and
//! `tests/architecture.rs` holds that.

pub mod model;

pub mod yaml;

pub mod inventory;
pub mod scope;

pub mod facts;

pub mod plugins;

pub mod catalogue;
pub mod profile;

pub mod controls;

pub mod plan;

pub mod talk;

pub mod probe;

pub mod engine;

pub mod book;

pub mod judge;

pub mod review;

pub mod report;

pub mod demo;

pub mod cli;
