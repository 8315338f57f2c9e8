//! A report of 1,000 hosts with 100 checks each: how long it takes and how long it is.
//!
//! `cargo bench --bench report` prints the figures and fails beyond one second or ten megabytes.

#![expect(
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "it measures, and prints its figures"
)]

mod yardstick;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use postern::report::{Options, format};
use postern::review::{ExposureCell, ExposureRow, Review, sample};
use yardstick::Yardstick;

const MOST_TIME: Duration = Duration::from_secs(1);
const MOST_BYTES: usize = 10_000_000;

fn main() {
    let review = large();
    let html = format("html").expect("the format is listed");
    let (hosts, tests, findings) = (review.hosts.len(), review.tests.len(), review.findings.len());
    eprintln!(
        "{hosts} hosts, {tests} tests, {findings} findings, {} services",
        review.exposure.len()
    );
    let mut here = Yardstick::new();
    for lang in ["en", "zh-Hant"] {
        let mut best = Duration::MAX;
        let mut bytes = 0;
        for _ in 0..5 {
            here.measure();
            let began = Instant::now();
            let report = (html.render)(&review, &Options::new(lang)).expect("it renders");
            best = best.min(began.elapsed());
            bytes = report.len();
        }
        eprintln!("{lang}: {best:.0?}, {:.2} MB", bytes as f64 / 1e6);
        assert!(best < here.bar(MOST_TIME) && bytes < MOST_BYTES, "beyond the bar");
    }
}

/// The large sample with five services on each host, one of which was not declared.
fn large() -> Review {
    let mut review = sample::large(1_000, 100);
    let ports = [
        ("443/tcp", "https"),
        ("80/tcp", "http"),
        ("22/tcp", "ssh"),
        ("25/tcp", "smtp"),
        ("8080/tcp", "http-alt"),
    ];
    for host in &review.hosts {
        for (port, service) in ports {
            let is_declared = port != "8080/tcp";
            let address: IpAddr =
                host.addresses.first().copied().unwrap_or_else(|| [192, 0, 2, 1].into());
            review.exposure.push(ExposureRow {
                host: host.id.clone(),
                port: port.into(),
                service: service.into(),
                declared_from: if is_declared { vec!["internet".into()] } else { Vec::new() },
                need: None,
                approved_by: is_declared.then(|| "B. Wong".into()),
                observed: vec![(address, "open".into())],
                cell: if is_declared { ExposureCell::AsDeclared } else { ExposureCell::Undeclared },
                findings: Vec::new(),
            });
        }
    }
    review
}
