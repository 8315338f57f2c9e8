//! Reads and types every file of the library — checks, profiles and frameworks — and tries every wrong version of every
//! check. The bars: 100 ms and 30 s on two cores.
//!
//! `cargo bench --bench catalogue` prints the figures and fails beyond the bars.

#![expect(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "it measures, and prints its figures"
)]

mod yardstick;

use std::time::{Duration, Instant};

use postern::catalogue::{Catalogue, mutate};
use postern::controls::Framework;
use postern::facts::Vocabulary;
use postern::profile::Profile;
use yardstick::Yardstick;

const MOST_READING: Duration = Duration::from_millis(100);
const MOST_MUTATING: Duration = Duration::from_secs(30);

fn main() {
    let vocabulary = Vocabulary::built_in();
    let first = read(&vocabulary);
    // The first one also makes the schemas. The best of some is what the machine can do when nothing else runs on it, and
    // is what the bar holds.
    let mut here = Yardstick::new();
    let again = (0..9).map(|_| {
        here.measure();
        read(&vocabulary)
    });
    let best = again.min().unwrap_or(first);
    eprintln!("read at first in {first:.1?}, at best in {best:.1?}");

    let files = Catalogue::built_in_files();
    let began = Instant::now();
    let (mut made, mut alive) = (0, 0);
    let mut slowest = (Duration::ZERO, "");
    for file in &files {
        let began = Instant::now();
        let mutated = mutate(file, &vocabulary).expect("every built-in check is right");
        made += mutated.made;
        alive += mutated.alive.len();
        slowest = slowest.max((began.elapsed(), &file.id));
    }
    let took = began.elapsed();
    eprintln!("{made} wrong versions of {} checks tried in {took:.1?}, {alive} alive", files.len());
    eprintln!("the slowest is {}: {:.1?}", slowest.1, slowest.0);
    assert!(best < here.bar(MOST_READING), "reading is beyond the bar");
    assert!(took < here.bar(MOST_MUTATING) && alive == 0, "mutating is beyond the bar");
}

/// Reads everything that is built in.
fn read(vocabulary: &Vocabulary) -> Duration {
    let began = Instant::now();
    let (catalogue, wrong) = Catalogue::read(&Catalogue::built_in_files(), vocabulary);
    assert!(wrong.is_empty(), "the library is right");
    let checks = began.elapsed();
    let profiles = Profile::built_in_files();
    for file in &profiles {
        Profile::read(&file.id, &profiles, &catalogue).expect("every built-in profile is right");
    }
    let (frameworks, wrong) = Framework::read_all(&Framework::built_in_files(), &catalogue);
    assert!(wrong.is_empty(), "every built-in framework is right");
    let took = began.elapsed();
    eprintln!(
        "{} checks in {checks:.1?}; with {} profiles and {} frameworks in {took:.1?}",
        catalogue.checks().len(),
        profiles.len(),
        frameworks.len()
    );
    took
}
