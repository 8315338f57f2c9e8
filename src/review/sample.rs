//! Reviews made up for tests and benches of whatever renders them: small, clean, hostile and large.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "a review is made of nearly all of it")
)]
use super::*;
use crate::model::heard::shown;
use crate::model::net::Transport;
use crate::model::severity::Gate;
use crate::profile::{GateRule, OutOfSight};

/// A vendor with two hosts: seven findings of every level, one waived, one new, one fixed; some things not tested.
pub fn small() -> Review {
    let mut review = with_findings(&SMALL, 2);
    if let Some(finding) = review.findings.get_mut(5) {
        finding.waived_by = Some("W-2026-004".into());
    }
    for (at, finding) in review.findings.iter_mut().enumerate() {
        finding.state = if at % 2 == 0 { FindingState::StillOpen } else { FindingState::New };
    }
    review.waivers = waivers(&review.findings);
    review.changes = Some(changes(&review.findings));
    review.exposure = exposure();
    if let (Some(row), Some(finding)) = (review.exposure.get_mut(2), review.findings.get(1)) {
        row.findings.push(finding.fingerprint.clone());
    }
    review.refused.push(RefusedLine {
        host: host_id(1),
        address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9))),
        rule: Reason::all(
            "auth-2026-11 does not cover 203.0.113.9 for db1: it lies in none of its networks",
        ),
    });
    review.loosened.push(Loosened {
        check: CheckId("certificate/expires-soon".into()),
        what: "params.days".into(),
        why: "certificates are renewed automatically 14 days before".into(),
        at: "profiles/dhc-vendor.yaml:31".into(),
    });
    weigh(&mut review);
    review
}

/// The same vendor with nothing wrong.
pub fn clean() -> Review {
    let mut review = with_findings(&[], 2);
    review.exposure = exposure().into_iter().take(2).collect();
    review.tests.retain(|test| test.worst == Outcome::Pass);
    review.scan.sweeps.iter_mut().for_each(|sweep| sweep.warnings.clear());
    weigh(&mut review);
    review
}

/// The small one, with everything that a peer can choose replaced by text that attacks whoever shows it.
pub fn hostile() -> Review {
    let mut review = small();
    let attack = shown(ATTACK);
    let banner = "A".repeat(100_000);
    for place in review.findings.iter_mut().flat_map(|finding| &mut finding.places) {
        place.witness = vec![attack.clone(), banner.clone()];
        place.message = both(&format!("It says {attack}"), &format!("它說 {attack}"));
        for evidence in &mut place.evidence {
            evidence.lines = vec![format!("< {attack}"), format!("< {banner}")];
        }
    }
    for row in &mut review.exposure {
        row.service.clone_from(&attack);
    }
    for test in &mut review.tests {
        let attack = Reason::verbatim(ATTACK);
        test.reasons.entry(test.worst).or_default().push(attack);
    }
    review
}

/// What [`hostile`] says, before it is made visible.
pub const ATTACK: &str = "</title></style>--><script>alert(1)</script><img src=x onerror=alert(1)>'\"&amp;]]>\
    \u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}gnp.exe\u{200b}\0\r\n::set-output name=x::=cmd|' /C calc'!A0";

/// Many hosts with many checks each: 2 % fail, 5 % inconclusive.
pub fn large(hosts: u32, checks: u32) -> Review {
    let mut review = with_findings(&[], 0);
    review.hosts = (0..hosts).map(host).collect();
    review.checks =
        (0..checks).map(|n| check_line(&format!("area{}/check-{n}", n % 10), level(n))).collect();
    review.tests.clear();
    for h in 0..hosts {
        for c in 0..checks {
            let (outcome, why) = match (h * 31 + c * 7) % 100 {
                0..2 => (Outcome::Fail, None),
                2..7 => (Outcome::Inconclusive, Some("no answer in time")),
                7..9 => {
                    (Outcome::NotTested, Some("web1 is fragile: it gets connects and nothing else"))
                }
                9..20 => (Outcome::NotApplicable, Some("no service on web1 speaks TLS")),
                _ => (Outcome::Pass, None),
            };
            let line = review.checks.get(c as usize).cloned();
            let Some(line) = line else { continue };
            review.tests.push(test(&line.id, h, outcome, why));
            if outcome == Outcome::Fail {
                let n = u32::try_from(review.findings.len()).unwrap_or(0);
                review.findings.push(finding(&line, h, n));
            }
        }
    }
    review.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for (at, finding) in review.findings.iter_mut().enumerate() {
        finding.number = format!("F-{:03}", at + 1);
    }
    weigh(&mut review);
    review
}

const SMALL: [(&str, Severity); 7] = [
    ("exposure/database-reachable", Severity::Critical),
    ("exposure/undeclared", Severity::High),
    ("certificate/expired", Severity::High),
    ("web/no-redirect-to-https", Severity::Medium),
    ("tls/old-version", Severity::Medium),
    ("web/no-hsts", Severity::Medium),
    ("service/version-disclosed", Severity::Low),
];

fn with_findings(wrong: &[(&str, Severity)], hosts: u32) -> Review {
    let passing = ["certificate/weak-key", "dns/dangling-alias", "exposure/ipv6-wider-than-ipv4"];
    let checks: Vec<_> = SMALL
        .iter()
        .map(|(id, severity)| check_line(id, *severity))
        .chain(passing.iter().map(|id| check_line(id, Severity::High)))
        .collect();
    let failing = |line: &&CheckLine| wrong.iter().any(|(id, _)| *id == line.id.0);
    let findings: Vec<_> =
        (0..).zip(checks.iter().filter(failing)).map(|(n, line)| finding(line, 0, n)).collect();
    let mut tests = Vec::new();
    for line in &checks {
        for h in 0..hosts {
            let outcome = if h == 0 && failing(&line) { Outcome::Fail } else { Outcome::Pass };
            tests.push(test(&line.id, h, outcome, None));
        }
    }
    if let Some(last) = tests.last_mut() {
        *last = test(&last.check.clone(), 1, Outcome::Inconclusive, Some("no answer in time"));
    }
    Review {
        schema: REVIEW_SCHEMA.into(),
        made: began().plus_days(0),
        tool: Tool {
            version: "0.1.0".into(),
            profile: "dhc-vendor".into(),
            profile_digest: "0".repeat(64),
            catalogue_digest: "1".repeat(64),
            packs: vec![
                super::PackLine {
                    name: "postern".into(),
                    version: "0.1.0".into(),
                    digest: "4".repeat(64),
                    seal: "built-in".into(),
                    ..super::PackLine::default()
                },
                super::PackLine {
                    name: "clinic".into(),
                    version: "2026.11".into(),
                    digest: "5".repeat(64),
                    seal: "signed".into(),
                    signer: Some("keeper".into()),
                    comment: Some("clinic 2026.11".into()),
                },
            ],
            plugins: vec![super::PluginLine {
                name: "clinic_link".into(),
                program: "/opt/clinic/link".into(),
                sha256: "6".repeat(64),
            }],
        },
        scan: scan(),
        operator: Party {
            id: "dhc-kwai-tsing".into(),
            name: both("Kwai Tsing District Health Centre", "葵青地區康健中心"),
            contact: Some("manager@dhc.example".into()),
        },
        providers: vec![Party {
            id: "acme-it".into(),
            name: both("Acme IT Limited", "雅美資訊科技有限公司"),
            contact: Some("soc@vendor.example".into()),
        }],
        systems: vec![SystemLine {
            id: "booking".into(),
            purpose: both("Service booking and member sign-in", "服務預約及會員簽到"),
            provider: Some("acme-it".into()),
            personal_data: true,
        }],
        hosts: (0..hosts).map(host).collect(),
        decision: Decision {
            verdict: GateVerdict::Go,
            because: Vec::new(),
            out_of_sight: Vec::new(),
        },
        grade: Grade {
            letter: Letter::A,
            accepted_risk: false,
            because: None,
            more: 0,
            without: None,
        },
        burden: 0,
        scoring: scoring::rules(&RULE, DUE_DAYS),
        coverage: Coverage::default(),
        findings,
        checks,
        tests,
        exposure: Vec::new(),
        changes: None,
        waivers: Vec::new(),
        loosened: Vec::new(),
        refused: Vec::new(),
        controls: sample_controls::controls(),
        authorisations: vec![AuthorisationLine {
            id: "auth-2026-11".into(),
            entitled: vec!["operator: B. Wong, Centre manager, signed 2026-11-10".into()],
            windows: vec![(began().plus_days(-1), began().plus_days(1))],
            covers: vec!["web1".into(), "db1".into()],
            excludes: vec!["192.0.2.66".into()],
            class: "read-only".into(),
            ad_hoc: false,
        }],
    }
}

const RULE: GateRule = GateRule {
    coverage_percent: 90,
    inconclusive_percent: 5,
    many_medium: 20,
    out_of_sight: OutOfSight::Open,
};
const DUE_DAYS: [u32; 4] = [7, 14, 90, 180];

/// Coverage, grade, burden and decision from what stands in the review.
fn weigh(review: &mut Review) {
    let mut coverage = Coverage { planned: review.tests.len() as u64, ..Coverage::default() };
    for test in &review.tests {
        for (outcome, count) in &test.outcomes {
            coverage.add(*outcome, u64::from(*count));
        }
    }
    coverage.settle();
    let score = scoring::score(&review.findings, &coverage, &RULE, review.made);
    review.decision = gate::decide(&gate::Grounds {
        findings: &review.findings,
        coverage: &coverage,
        coverage_percent: RULE.coverage_percent,
        unsettled_gates: Vec::new(),
        out_of_sight: Vec::new(),
        sight: RULE.out_of_sight,
        complete: review.scan.complete,
    });
    review.coverage = coverage;
    review.grade = score.grade;
    review.burden = score.burden;
}

fn began() -> Moment {
    Moment::from_unix_seconds(1_795_442_400)
}

fn both(en: &str, zh: &str) -> Said {
    Said(BTreeMap::from([("en".into(), en.into()), ("zh-Hant".into(), zh.into())]))
}

fn host_id(n: u32) -> HostId {
    HostId(if n == 0 {
        "web1".into()
    } else if n == 1 {
        "db1".into()
    } else {
        format!("host{n}")
    })
}

fn v4(n: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0xc000_0200 + n % 250 + 1))
}

fn host(n: u32) -> HostLine {
    let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    HostLine {
        id: host_id(n),
        system: Some("booking".into()),
        names: if n == 0 { vec!["booking.example".into()] } else { Vec::new() },
        addresses: if n == 0 { vec![v4(0), v6] } else { vec![v4(n)] },
        fragile: n == 1,
        declared_at: DeclaredAt { path: "inventory/kwai-tsing.yaml".into(), line: 20 + n * 9 },
    }
}

fn scan() -> Scan {
    let identity = [
        ("user-agent", "postern/0.1 (+mailto:manager@dhc.example)"),
        ("ehlo", "audit.dhc.example"),
    ];
    Scan {
        began: began(),
        ended: began().plus_days(0).plus(std::time::Duration::from_secs(754)),
        vantage: "outside".into(),
        vantage_kind: VantageKind::Internet,
        sources: vec![IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7))],
        identity: identity.map(|(what, is)| (what.into(), is.into())).into(),
        complete: true,
        incomplete_because: Vec::new(),
        connections: 2104,
        datagrams: 6,
        resolvers: vec![IpAddr::V4(Ipv4Addr::new(203, 0, 113, 53))],
        book_digest: "2".repeat(64),
        own_errors: 0,
        pace: (100, 20),
        ports: "21-23,25,80,443,1433,3306,3389,5432,8080,8443".into(),
        searched: Vec::new(),
        no_sign: Vec::new(),
        no_echo: false,
        sweeps: vec![sweep(&["no more than about 300 packets a second get through"])],
    }
}

fn sweep(warnings: &[&str]) -> SweepLine {
    SweepLine {
        host: HostId("web1".into()),
        address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)),
        by: "syn".into(),
        sent: 31,
        tries: 2,
        missed_one_in: Some(3_200_000),
        warnings: warnings.iter().map(|warning| Reason::one(warning)).collect(),
    }
}

fn level(n: u32) -> Severity {
    match n % 10 {
        0 => Severity::Critical,
        1 | 2 => Severity::High,
        3..7 => Severity::Medium,
        _ => Severity::Low,
    }
}

fn check_line(id: &str, severity: Severity) -> CheckLine {
    CheckLine {
        id: CheckId(id.into()),
        revision: 1,
        title: both(&format!("The wanted state of {id}"), &format!("「{id}」應有的狀態")),
        severity,
        gate: severity == Severity::Critical,
        why: both(
            "Whoever reaches it from the Internet can try passwords against it day and night.",
            "任何人都可以從互聯網日夜嘗試密碼。",
        ),
        fix: vec![
            Fix {
                text: both("Let only the clinic's network reach it.", "只容許診所網絡連接。"),
                product: None,
                code: None,
            },
            Fix {
                text: both(
                    "In nginx, set the header on every answer.",
                    "在 nginx 為每個回應加上標頭。",
                ),
                product: Some("nginx".into()),
                code: Some(
                    "add_header Strict-Transport-Security \"max-age=63072000\" always;".into(),
                ),
            },
        ],
        refs: vec!["https://www.rfc-editor.org/rfc/rfc6797".into(), "ISPG-SM01 section 5".into()],
        asks: "2".repeat(64),
    }
}

fn finding(line: &CheckLine, h: u32, n: u32) -> Finding {
    let port = [5432, 8080, 443, 80, 443, 443, 21].get(n as usize % 7).copied().unwrap_or(443);
    let subject = Subject {
        host: host_id(h),
        address: Some(v4(h)),
        service: Some((Transport::Tcp, port)),
        name: (port == 443).then(|| "booking.example".into()),
        vantage: "outside".into(),
    };
    let (impact, likelihood) = match line.severity {
        Severity::Critical | Severity::High => (Degree::High, Degree::High),
        Severity::Medium => (Degree::High, Degree::Medium),
        Severity::Low => (Degree::Low, Degree::Medium),
    };
    let gate = if line.gate { Gate::Stops } else { Gate::Counts };
    let severity = Severity::of(impact, likelihood, gate);
    let due_days = DUE_DAYS.get(3 - severity as usize).copied().unwrap_or(0);
    Finding {
        fingerprint: subject.fingerprint(&line.id),
        number: format!("F-{:03}", n + 1),
        check: line.id.clone(),
        revision: line.revision,
        title: line.title.clone(),
        severity,
        impact,
        likelihood,
        gate: line.gate,
        places: vec![Place {
            message: both(
                &format!("Port {port}/tcp answers to any stranger."),
                &format!("任何陌生人都能連接 {port}/tcp。"),
            ),
            witness: vec![format!("{port}")],
            evidence: vec![Evidence {
                row: 40 + u64::from(n),
                probe: "http".into(),
                at: began(),
                lines: vec![
                    "> GET / HTTP/1.1".into(),
                    "< HTTP/1.1 200 OK".into(),
                    "< server: nginx/1.18.0".into(),
                ],
                again: Some(format!("curl -sI http://{}:{port}/", v4(h))),
            }],
            subject,
        }],
        why: line.why.clone(),
        fix: line.fix.clone(),
        refs: line.refs.clone(),
        first_seen: began(),
        due: began().plus_days(i64::from(due_days)),
        state: FindingState::New,
        waived_by: None,
    }
}

fn test(check: &CheckId, h: u32, outcome: Outcome, why: Option<&str>) -> Test {
    Test {
        check: check.clone(),
        host: host_id(h),
        outcomes: BTreeMap::from([(outcome, 1)]),
        worst: outcome,
        reasons: why.map(|why| (outcome, Reason::all(why))).into_iter().collect(),
    }
}

fn waivers(findings: &[Finding]) -> Vec<WaiverLine> {
    let line = |id: &str, state, days, covers: Vec<String>| WaiverLine {
        id: id.into(),
        check: CheckId("web/no-hsts".into()),
        host: host_id(0),
        treatment: Treatment::Accept,
        compensating: None,
        reason: both("The kiosk's firmware is replaced in January", "資訊站的韌體將於一月更換"),
        owner: "B. Wong".into(),
        approved_by: "C. Lee".into(),
        expires: began().plus_days(days),
        state,
        findings: covers,
    };
    let waived = findings.iter().filter(|finding| finding.waived_by.is_some());
    let covers = waived.map(|finding| finding.fingerprint.clone()).collect();
    vec![
        line("W-2026-004", WaiverState::EndsSoon, 20, covers),
        line("W-2026-001", WaiverState::Ended, -3, Vec::new()),
        line("W-2026-002", WaiverState::Unused, 90, Vec::new()),
    ]
}

fn changes(findings: &[Finding]) -> Changes {
    let in_state = |state| {
        let those = findings.iter().filter(move |finding| finding.state == state);
        those.map(|finding| finding.fingerprint.clone()).collect()
    };
    let gone = |id: &str, severity, became| GoneLine {
        fingerprint: format!("pf1-{}", "a".repeat(16)),
        check: CheckId(id.into()),
        place: "web1 23/tcp".into(),
        title: both("No Telnet is reachable", "沒有可連接的 Telnet"),
        severity,
        first_seen: began().plus_days(-180),
        last_seen: began().plus_days(-180),
        due: began().plus_days(-90),
        waived_by: None,
        became,
        subjects: Vec::new(),
        vantage_kind: VantageKind::Internet,
        examined: vec![v4(0)],
        was_open: true,
        asks: String::new(),
    };
    Changes {
        last_made: began().plus_days(-180),
        differs: Vec::new(),
        new: in_state(FindingState::New),
        came_back: Vec::new(),
        mended_before: Vec::new(),
        fixed: vec![gone("exposure/telnet-reachable", Severity::Critical, Became::Shut)],
        not_seen_again: vec![gone("web/cookie-without-secure", Severity::Low, Became::NotSettled)],
        still_open: in_state(FindingState::StillOpen),
        last_burden: 2210,
        last_letter: Letter::F,
    }
}

fn exposure() -> Vec<ExposureRow> {
    let row = |h: u32, port: &str, service: &str, from: &[&str], seen: &str, cell| ExposureRow {
        host: host_id(h),
        port: port.into(),
        service: service.into(),
        declared_from: from.iter().map(|from| (*from).to_owned()).collect(),
        need: (!from.is_empty()).then(|| both("Members book services", "會員預約服務")),
        approved_by: (!from.is_empty()).then(|| "ops-manager".into()),
        observed: vec![(v4(h), seen.into())],
        cell,
        findings: Vec::new(),
    };
    vec![
        row(0, "443/tcp", "https", &["internet"], "open", ExposureCell::AsDeclared),
        row(0, "22/tcp", "ssh", &["198.51.100.0/28"], "filtered", ExposureCell::ShutAsDeclared),
        row(0, "8080/tcp", "http", &[], "open", ExposureCell::Undeclared),
        row(1, "8443/tcp", "https", &["internet"], "closed", ExposureCell::DeclaredButClosed),
        row(1, "993/tcp", "imaps", &["internet"], "filtered", ExposureCell::DeclaredButFiltered),
        row(1, "53/udp", "domain", &["internet"], "not asked", ExposureCell::NotSettled),
    ]
}
