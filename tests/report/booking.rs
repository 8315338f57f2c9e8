//! A review as it happens: a health centre's booking system, run by a contractor who left some gates open. The centre,
//! the contractor and every address are made up.

use std::collections::BTreeMap;

use postern::inventory::waivers::Treatment;
use postern::model::moment::Moment;
use postern::model::net::{CheckId, HostId, Transport};
use postern::model::outcome::Outcome;
use postern::model::reason::Reason;
use postern::model::said::Said;
use postern::model::severity::{Degree, Gate, Severity};
use postern::model::subject::Subject;
use postern::review::{
    Became, Because, Cap, Changes, CheckLine, Coverage, DeclaredAt, Differs, Evidence,
    ExposureCell, ExposureRow, Finding, FindingState, Fix, GateVerdict, GoneLine, HostLine, Letter,
    Party, Place, RefusedLine, Review, SystemLine, Test, WaiverLine, WaiverState, sample,
};

/// The checks: id, impact, likelihood, gate, and the wanted state.
const CHECKS: [(&str, Degree, Degree, Gate, &str, &str); 14] = {
    use Degree::{High, Low, Medium};
    use Gate::{Counts, Stops};
    [
        (
            "database/postgresql-reachable-from-internet",
            High,
            High,
            Stops,
            "PostgreSQL does not answer the Internet",
            "PostgreSQL 不回應互聯網的連線",
        ),
        (
            "service/rdp-reachable-from-internet",
            High,
            High,
            Stops,
            "Remote Desktop does not answer the Internet",
            "遠端桌面不回應互聯網的連線",
        ),
        (
            "exposure/undeclared-open",
            High,
            High,
            Counts,
            "Whatever is open is declared",
            "所有開放的服務均已申報",
        ),
        (
            "exposure/ipv6-wider-than-ipv4",
            High,
            Medium,
            Counts,
            "IPv6 is no wider open than IPv4",
            "IPv6 的開放範圍不大於 IPv4",
        ),
        (
            "exposure/declared-but-closed",
            Low,
            Medium,
            Counts,
            "Whatever is declared is there",
            "所有已申報的服務均可使用",
        ),
        (
            "certificate/expired",
            High,
            Medium,
            Counts,
            "The certificate has not expired",
            "證書尚未過期",
        ),
        (
            "certificate/weak-key",
            High,
            Low,
            Counts,
            "The certificate’s key is strong",
            "證書使用足夠強的密鑰",
        ),
        (
            "tls/old-version",
            Medium,
            Medium,
            Counts,
            "TLS is spoken in version 1.2 or newer",
            "只使用 TLS 1.2 或以上版本",
        ),
        (
            "web/no-redirect-to-https",
            High,
            Medium,
            Counts,
            "Plain HTTP leads to HTTPS",
            "HTTP 會轉往 HTTPS",
        ),
        (
            "web/no-hsts",
            Medium,
            Medium,
            Counts,
            "Browsers are told to use HTTPS only (HSTS)",
            "要求瀏覽器只使用 HTTPS（HSTS）",
        ),
        (
            "web/cookie-without-secure",
            Medium,
            Medium,
            Counts,
            "Cookies travel over HTTPS only",
            "Cookie 只經 HTTPS 傳送",
        ),
        (
            "service/version-in-greeting",
            Low,
            Medium,
            Counts,
            "A service does not tell strangers its version",
            "服務不會向陌生人透露版本",
        ),
        (
            "ssh/reachable-from-internet",
            High,
            Medium,
            Counts,
            "SSH does not answer the Internet",
            "SSH 不回應互聯網的連線",
        ),
        (
            "dns/dangling-alias",
            Medium,
            Low,
            Counts,
            "No name points to what is no longer there",
            "沒有域名指向已不存在的目標",
        ),
    ]
};

const HOSTS: [(&str, &str, &[&str], &[&str]); 6] = [
    ("fw1", "network", &["vpn.lydhc.example"], &["203.0.113.1", "2001:db8:11::1"]),
    ("web1", "booking", &["booking.lydhc.example"], &["203.0.113.10", "2001:db8:11::10"]),
    ("kiosk-api", "booking", &["checkin.lydhc.example"], &["203.0.113.11"]),
    ("db1", "booking", &[], &["203.0.113.20"]),
    ("mail1", "network", &["mail.lydhc.example"], &["203.0.113.30"]),
    ("backup1", "network", &[], &["203.0.113.40"]),
];

/// The review.
pub(crate) fn review() -> Review {
    let mut review = sample::small();
    let made = day("2026-11-23T17:05:00Z");
    review.made = made;
    review.scan.began = day("2026-11-23T14:00:00Z");
    review.scan.ended = day("2026-11-23T14:18:00Z");
    review.scan.connections = 7_412;
    review.scan.identity = BTreeMap::from([
        ("EHLO".into(), "audit.lydhc.example".into()),
        ("User-Agent".into(), "postern/0.1 (+mailto:it@lydhc.example)".into()),
    ]);
    review.scan.book_digest =
        "9f2c61d7a0b84e35c1d96f0e7a4b82c3d5e6f718293a4b5c6d7e8f9012345678".into();
    review.tool.profile_digest =
        "1b7e44c09d5a2f63e8b1c7d2a9f04e56b3c8d1e7f2a6059b4c3d8e1f70a2b9c6".into();
    review.tool.catalogue_digest =
        "c40d8e91f2a7b6350e4d9c8b1a7f6e2d3c5b4a9087f6e5d4c3b2a1908f7e6d5c".into();
    review.operator = party("lydhc", "Lei Yue District Health Centre", "鯉魚區地區康健中心");
    review.providers = vec![
        party("northgate", "Northgate IT Services Limited", "北閘資訊科技服務有限公司"),
        party("harbour", "Harbour Networks Limited", "海港網絡有限公司"),
    ];
    review.systems = vec![
        system(
            "booking",
            "Service booking and member sign-in",
            "服務預約及會員簽到",
            "northgate",
            true,
        ),
        system("network", "Firewall, mail and backup", "防火牆、電郵及備份", "harbour", false),
    ];
    review.hosts = HOSTS.iter().zip(1u32..).map(|(host, n)| host_line(host, n)).collect();
    review.checks = CHECKS.iter().map(check_line).collect();
    review.findings = findings(&review);
    review.tests = tests(&review);
    review.exposure = exposure(&review);
    review.coverage = coverage(&review.tests);
    review.burden = 2_231;
    review.decision.verdict = GateVerdict::NoGo;
    let fingerprint = |at: usize| review.findings[at].fingerprint.clone();
    review.decision.because = vec![
        Because::GateFinding { finding: fingerprint(0) },
        Because::GateFinding { finding: fingerprint(1) },
        Because::GateNotSettled {
            check: review.checks[1].id.clone(),
            host: HostId("backup1".into()),
        },
    ];
    review.grade.letter = Letter::F;
    review.grade.accepted_risk = true;
    review.grade.because = Some(Cap::Finding { finding: fingerprint(0) });
    review.grade.more = 1;
    review.grade.without = Some(Letter::D);
    review.waivers = vec![
        waiver(
            "W-2026-004",
            "web/no-hsts",
            "kiosk-api",
            WaiverState::EndsSoon,
            "2026-12-15",
            vec![fingerprint(7)],
        ),
        waiver(
            "W-2026-001",
            "service/version-in-greeting",
            "mail1",
            WaiverState::Ended,
            "2026-10-31",
            vec![fingerprint(8)],
        ),
    ];
    review.changes = Some(changes(&review));
    review.refused = vec![RefusedLine {
        host: HostId("mail1".into()),
        address: "198.51.100.77".parse().ok(),
        rule: Reason::all(
            "auth-2026-11 does not cover 198.51.100.77, to which a name leads, for mail1: it lies in none of its networks",
        ),
    }];
    let leave = &mut review.authorisations[0];
    leave.entitled = vec![
        "operator: B. Wong, Centre manager, signed 2026-11-10".into(),
        "vendor: A. Chan, Chief technology officer of Northgate, signed 2026-11-11".into(),
    ];
    leave.windows = vec![(day("2026-11-23T14:00:00Z"), day("2026-11-23T21:00:00Z"))];
    leave.covers = vec!["203.0.113.0/26".into(), "2001:db8:11::/64".into()];
    leave.excludes = vec!["203.0.113.50 (the physiotherapy room’s controller)".into()];
    review
}

fn findings(review: &Review) -> Vec<Finding> {
    use FindingState::{New, StillOpen, WaiverEnded};
    let pg = [
        "> (connect)",
        "< N",
        "> startup user=postern",
        "< E FATAL: no pg_hba.conf entry for host \"203.0.113.7\"",
    ];
    let rdp = [
        "> X.224 connection request",
        "< 03 00 00 13 0e d0 00 00 12 34 00 02 1f 08 00 02 00 00 00",
    ];
    let odd = [
        "> GET / HTTP/1.1",
        "> host: 203.0.113.10:8080",
        "< HTTP/1.1 200 OK",
        "< server: Apache Tomcat/9.0.31",
        "< title: Tomcat Manager <b>staging</b>",
    ];
    let cert = [
        "! certificate 1 of 2",
        "< subject CN=checkin.lydhc.example",
        "< issuer CN=R11, O=Let’s Encrypt",
        "< not after 2026-11-14T09:12:44Z",
    ];
    let plain = [
        "> GET / HTTP/1.1",
        "> host: booking.lydhc.example",
        "< HTTP/1.1 200 OK",
        "< title: Book a service",
    ];
    let cookie = ["< HTTP/1.1 200 OK", "< set-cookie: LYSESSION=…; Path=/; HttpOnly"];
    let six = [
        "! 203.0.113.10 22/tcp filtered (nothing came back within 3 s)",
        "! 2001:db8:11::10 22/tcp open",
    ];
    let hsts = ["< HTTP/1.1 200 OK", "< server: nginx"];
    let greeting = ["< 220 mail.lydhc.example ESMTP Postfix 3.5.6"];
    vec![
        finding(
            review,
            1,
            0,
            ("db1", 5432, None),
            New,
            &pg,
            "PostgreSQL on 5432/tcp answers any stranger on the Internet.",
            "互聯網上任何人均可連接 5432/tcp 的 PostgreSQL。",
            Some("pg_isready -h 203.0.113.20 -p 5432"),
        ),
        finding(
            review,
            2,
            1,
            ("kiosk-api", 3389, None),
            StillOpen,
            &rdp,
            "Remote Desktop on 3389/tcp answers any stranger on the Internet.",
            "互聯網上任何人均可連接 3389/tcp 的遠端桌面。",
            Some("nc -vz 203.0.113.11 3389"),
        ),
        finding(
            review,
            3,
            2,
            ("web1", 8080, None),
            New,
            &odd,
            "8080/tcp is open and nobody declared it; it calls itself “Apache Tomcat/9.0.31”.",
            "8080/tcp 開放但未有申報；該服務自稱「Apache Tomcat/9.0.31」。",
            Some("curl -sI http://203.0.113.10:8080/"),
        ),
        finding(
            review,
            4,
            3,
            ("web1", 22, None),
            New,
            &six,
            "22/tcp is open over IPv6 and shut over IPv4.",
            "22/tcp 在 IPv6 上開放，在 IPv4 上卻是關閉。",
            Some("nc -vz 2001:db8:11::10 22"),
        ),
        finding(
            review,
            5,
            5,
            ("kiosk-api", 443, Some("checkin.lydhc.example")),
            New,
            &cert,
            "The certificate of checkin.lydhc.example expired 9 days ago.",
            "checkin.lydhc.example 的證書已過期 9 天。",
            Some(
                "openssl s_client -connect 203.0.113.11:443 -servername checkin.lydhc.example </dev/null | openssl x509 -noout -dates",
            ),
        ),
        finding(
            review,
            6,
            8,
            ("web1", 80, Some("booking.lydhc.example")),
            StillOpen,
            &plain,
            "http://booking.lydhc.example/ shows the booking page without encryption.",
            "http://booking.lydhc.example/ 以未加密方式顯示預約頁面。",
            Some("curl -sI http://booking.lydhc.example/"),
        ),
        finding(
            review,
            7,
            10,
            ("web1", 443, Some("booking.lydhc.example")),
            StillOpen,
            &cookie,
            "The cookie LYSESSION may travel without encryption.",
            "Cookie LYSESSION 可能以未加密方式傳送。",
            Some("curl -sI https://booking.lydhc.example/ | grep -i set-cookie"),
        ),
        finding(
            review,
            8,
            9,
            ("kiosk-api", 443, Some("checkin.lydhc.example")),
            StillOpen,
            &hsts,
            "The answer of checkin.lydhc.example has no Strict-Transport-Security header.",
            "checkin.lydhc.example 的回應沒有 Strict-Transport-Security 標頭。",
            Some("curl -sI https://checkin.lydhc.example/"),
        ),
        finding(
            review,
            9,
            11,
            ("mail1", 25, None),
            WaiverEnded,
            &greeting,
            "It greets with “Postfix 3.5.6”.",
            "服務的問候語透露「Postfix 3.5.6」。",
            Some("nc mail.lydhc.example 25"),
        ),
    ]
}

#[expect(clippy::too_many_arguments, reason = "a row of the table above")]
fn finding(
    review: &Review,
    number: u32,
    check: usize,
    (host, port, name): (&str, u16, Option<&str>),
    state: FindingState,
    lines: &[&str],
    en: &str,
    zh: &str,
    again: Option<&str>,
) -> Finding {
    let line = &review.checks[check];
    let (_, impact, likelihood, gate, ..) = CHECKS[check];
    let address = review
        .hosts
        .iter()
        .find(|line| line.id.0 == host)
        .and_then(|line| line.addresses.first())
        .copied();
    let subject = Subject {
        host: HostId(host.into()),
        address,
        service: Some((Transport::Tcp, port)),
        name: name.map(str::to_owned),
        vantage: "outside".into(),
    };
    let severity = Severity::of(impact, likelihood, gate);
    let days = [180, 90, 14, 7][severity as usize];
    let first_seen =
        if state == FindingState::New { review.made } else { day("2026-05-26T15:00:00Z") };
    Finding {
        fingerprint: subject.fingerprint(&line.id),
        number: format!("F-{number:03}"),
        check: line.id.clone(),
        revision: 1,
        title: line.title.clone(),
        severity,
        impact,
        likelihood,
        gate: gate == Gate::Stops,
        places: vec![Place {
            subject,
            message: both(en, zh),
            witness: Vec::new(),
            evidence: vec![Evidence {
                row: 118 + u64::from(number) * 37,
                probe: if port == 443 { "tls" } else { "greeting" }.into(),
                at: review.scan.began.plus(std::time::Duration::from_secs(u64::from(number) * 71)),
                lines: lines.iter().map(|line| (*line).to_owned()).collect(),
                again: again.map(str::to_owned),
            }],
        }],
        why: line.why.clone(),
        fix: line.fix.clone(),
        refs: line.refs.clone(),
        first_seen,
        due: first_seen.plus_days(days),
        state,
        waived_by: (line.id.0 == "web/no-hsts").then(|| "W-2026-004".into()),
    }
}

fn check_line(
    (id, impact, likelihood, gate, en, zh): &(&str, Degree, Degree, Gate, &str, &str),
) -> CheckLine {
    let (why, fix, refs) = advice(id);
    CheckLine {
        id: CheckId((*id).into()),
        revision: 1,
        title: both(en, zh),
        severity: Severity::of(*impact, *likelihood, *gate),
        gate: *gate == Gate::Stops,
        why,
        fix,
        refs,
        asks: "2".repeat(64),
    }
}

fn advice(id: &str) -> (Said, Vec<Fix>, Vec<String>) {
    let refs = |refs: &[&str]| refs.iter().map(|source| (*source).to_owned()).collect();
    let fix = |product: Option<&str>, en: &str, zh: &str, code: Option<&str>| Fix {
        text: both(en, zh),
        product: product.map(str::to_owned),
        code: code.map(str::to_owned),
    };
    match id {
        "database/postgresql-reachable-from-internet" => (
            both(
                "Members’ names, telephone numbers and bookings lie in this database. Whoever reaches it can try passwords day and night, and one weakness in the server is enough to read everything.",
                "會員的姓名、電話號碼及預約均存於這個數據庫。任何能連接的人都可以日夜嘗試密碼，伺服器只要有一個漏洞，所有資料便會外洩。",
            ),
            vec![
                fix(
                    None,
                    "Let only the booking servers reach the database, at the firewall and in the database itself.",
                    "在防火牆及數據庫本身，只容許預約伺服器連接數據庫。",
                    None,
                ),
                fix(
                    Some("PostgreSQL"),
                    "Listen on the inner address only, and name the hosts that may log in.",
                    "只監聽內部位址，並指明可登入的主機。",
                    Some(
                        "# postgresql.conf\nlisten_addresses = '10.20.0.20'\n\n# pg_hba.conf\nhostssl booking booking 10.20.0.10/32 scram-sha-256",
                    ),
                ),
                fix(
                    Some("FortiGate"),
                    "Take out the virtual IP that leads to port 5432.",
                    "移除指向連接埠 5432 的虛擬 IP。",
                    Some("config firewall policy\n  delete 41\nend"),
                ),
            ],
            refs(&[
                "https://www.postgresql.org/docs/current/auth-pg-hba-conf.html",
                "PCI DSS 1.4.4",
                "NIST SP 800-53 SC-7",
            ]),
        ),
        "service/rdp-reachable-from-internet" => (
            both(
                "Remote Desktop is the door through which most ransomware comes in: passwords are guessed by machines, all day, from everywhere.",
                "大部分勒索軟件都是經遠端桌面入侵：攻擊者以程式從世界各地全日不停猜測密碼。",
            ),
            vec![fix(
                None,
                "Shut 3389/tcp to the Internet; let maintenance come in through the VPN with a second factor.",
                "對互聯網關閉 3389/tcp；維護人員應經 VPN 並使用雙重認證連線。",
                None,
            )],
            refs(&["CISA BOD 23-02", "NIST SP 800-53 AC-17"]),
        ),
        "exposure/undeclared-open" => (
            both(
                "Nobody approved this door, so nobody watches it. What nobody watches is found first by strangers.",
                "沒有人批准過這個門口，也就沒有人看管；無人看管的門口，往往由陌生人最先發現。",
            ),
            vec![fix(
                None,
                "Shut it; or, if it is needed, declare it in the inventory with its need and an approver.",
                "關閉該服務；如確有需要，則在資產清單申報用途及批准人。",
                None,
            )],
            refs(&["NIST SP 800-53 SA-9(2)", "PCI DSS 1.2.5"]),
        ),
        "certificate/expired" => (
            both(
                "Members’ browsers warn that the site cannot be trusted. Whoever learns to click such warnings away will also click them away on a false site.",
                "會員的瀏覽器會警告網站不可信任。一旦習慣忽略警告，遇到假網站時亦會照樣忽略。",
            ),
            vec![
                fix(
                    None,
                    "Renew the certificate now, and let it be renewed by itself from now on.",
                    "立即更新證書，並設定日後自動續期。",
                    None,
                ),
                fix(
                    Some("certbot"),
                    "Let it be fetched and renewed by itself.",
                    "設定自動取得及續期。",
                    Some(
                        "certbot --nginx -d checkin.lydhc.example\nsystemctl enable --now certbot.timer",
                    ),
                ),
            ],
            refs(&["RFC 5280 4.1.2.5", "PCI DSS 4.2.1"]),
        ),
        _ => (
            both(
                "It makes the work of an intruder easier, and members’ data less safe on its way.",
                "這會令入侵者更容易得手，亦令會員資料在傳送途中較不安全。",
            ),
            vec![fix(
                None,
                "Change the setting as described in the source, and run the check again.",
                "按參考資料更改設定，然後重新檢查。",
                None,
            )],
            refs(&["https://owasp.org/www-project-secure-headers/"]),
        ),
    }
}

fn tests(review: &Review) -> Vec<Test> {
    let mut tests = Vec::new();
    for check in &review.checks {
        for host in &review.hosts {
            let fails = review.findings.iter().any(|finding| {
                finding.check == check.id && finding.places[0].subject.host == host.id
            });
            let is_web = matches!(check.id.area(), "web" | "tls" | "certificate");
            let (outcome, reason) = match host.id.0.as_str() {
                _ if fails => (Outcome::Fail, None),
                "backup1" if is_web || check.id.area() == "service" => (
                    Outcome::NotTested,
                    Some("backup1 is fragile: it gets connects and nothing else"),
                ),
                "fw1" if check.id.0 == "tls/old-version" => (
                    Outcome::Inconclusive,
                    Some(
                        "whether 443/tcp of 203.0.113.20 speaks TLS did not become clear: the connection was reset",
                    ),
                ),
                "db1" | "mail1" if is_web => {
                    (Outcome::NotApplicable, Some("no service on it speaks HTTP"))
                }
                "fw1" | "db1" if check.id.0 == "service/version-in-greeting" => {
                    (Outcome::Inconclusive, Some("no answer in time"))
                }
                _ => (Outcome::Pass, None),
            };
            tests.push(Test {
                check: check.id.clone(),
                host: host.id.clone(),
                outcomes: BTreeMap::from([(outcome, 1)]),
                worst: outcome,
                reasons: reason.map(|why| (outcome, Reason::all(why))).into_iter().collect(),
            });
        }
    }
    tests
}

fn coverage(tests: &[Test]) -> Coverage {
    let count = |outcome| tests.iter().filter(|test| test.worst == outcome).count() as u64;
    let (pass, fail) = (count(Outcome::Pass), count(Outcome::Fail));
    let (inconclusive, not_tested) = (count(Outcome::Inconclusive), count(Outcome::NotTested));
    let percent = (pass + fail) * 100 / (pass + fail + inconclusive + not_tested);
    Coverage {
        planned: tests.len() as u64,
        results: tests.len() as u64,
        pass,
        fail,
        inconclusive,
        not_applicable: count(Outcome::NotApplicable),
        not_tested,
        settled_percent: u8::try_from(percent).unwrap_or(100),
    }
}

fn exposure(review: &Review) -> Vec<ExposureRow> {
    use ExposureCell::{
        AsDeclared, DeclaredButClosed, DeclaredButFiltered, NotSettled, ShutAsDeclared, Undeclared,
    };
    let needs = BTreeMap::from([
        ("web", both("Members book services", "會員預約服務")),
        ("kiosk", both("Members sign in at the centre", "會員在中心簽到")),
        ("vpn", both("Staff work from home", "員工在家工作")),
        ("ops", both("Maintenance by the provider", "供應商維護")),
        ("mail", both("Mail comes in", "接收電郵")),
    ]);
    let row =
        |host: &str, port: &str, service: &str, from: &[&str], need: &str, seen: &[&str], cell| {
            let line =
                review.hosts.iter().find(|line| line.id.0 == host).expect("a host of the sample");
            let about = |finding: &&Finding| {
                let subject = &finding.places[0].subject;
                subject.host == line.id
                    && subject.service.is_some_and(|(_, number)| port == format!("{number}/tcp"))
            };
            ExposureRow {
                host: line.id.clone(),
                port: port.into(),
                service: service.into(),
                declared_from: from.iter().map(|zone| (*zone).to_owned()).collect(),
                need: needs.get(need).cloned(),
                approved_by: needs.contains_key(need).then(|| "B. Wong".into()),
                observed: line
                    .addresses
                    .iter()
                    .copied()
                    .zip(seen.iter().map(|word| (*word).to_owned()))
                    .collect(),
                cell,
                findings: if matches!(cell, Undeclared) {
                    review.findings.iter().filter(about).map(|it| it.fingerprint.clone()).collect()
                } else {
                    Vec::new()
                },
            }
        };
    vec![
        row("fw1", "443/tcp", "https", &["internet"], "vpn", &["open", "open"], AsDeclared),
        row(
            "fw1",
            "22/tcp",
            "ssh",
            &["provider-office"],
            "ops",
            &["filtered", "filtered"],
            ShutAsDeclared,
        ),
        row("web1", "443/tcp", "https", &["internet"], "web", &["open", "open"], AsDeclared),
        row("web1", "80/tcp", "http", &["internet"], "web", &["open", "open"], AsDeclared),
        row(
            "web1",
            "22/tcp",
            "ssh",
            &["provider-office"],
            "ops",
            &["filtered", "open"],
            Undeclared,
        ),
        row("web1", "8080/tcp", "http", &[], "", &["open", "closed"], Undeclared),
        row(
            "kiosk-api",
            "443/tcp",
            "https",
            &["clinic-lan", "internet"],
            "kiosk",
            &["open"],
            AsDeclared,
        ),
        row("kiosk-api", "3389/tcp", "ms-wbt-server", &[], "", &["open"], Undeclared),
        row(
            "kiosk-api",
            "8443/tcp",
            "https",
            &["internet"],
            "kiosk",
            &["closed"],
            DeclaredButClosed,
        ),
        row("db1", "5432/tcp", "postgresql", &["10.20.0.10/32"], "web", &["open"], Undeclared),
        row("mail1", "25/tcp", "smtp", &["internet"], "mail", &["open"], AsDeclared),
        row("mail1", "993/tcp", "imaps", &["internet"], "mail", &["filtered"], DeclaredButFiltered),
        row("mail1", "53/udp", "domain", &["internet"], "mail", &[], NotSettled),
        row("backup1", "22/tcp", "ssh", &["provider-office"], "ops", &["filtered"], ShutAsDeclared),
    ]
}

fn changes(review: &Review) -> Changes {
    let those = |wanted: bool| {
        let in_state = review
            .findings
            .iter()
            .filter(move |finding| (finding.state == FindingState::New) == wanted);
        in_state.map(|finding| finding.fingerprint.clone()).collect()
    };
    let gone = |id: &str, place: &str, severity, became, (en, zh): (&str, &str)| GoneLine {
        fingerprint: format!("pf1-{}", "a".repeat(16)),
        check: CheckId(id.into()),
        place: place.into(),
        title: both(en, zh),
        severity,
        first_seen: day("2026-05-25T15:00:00Z"),
        last_seen: day("2026-05-26T15:00:00Z"),
        due: day("2026-08-23T15:00:00Z"),
        waived_by: None,
        became,
        subjects: Vec::new(),
        vantage_kind: review.scan.vantage_kind,
        examined: Vec::new(),
        was_open: true,
        asks: "2".repeat(64),
    };
    Changes {
        last_made: day("2026-05-26T15:00:00Z"),
        differs: vec![
            Differs::Profile { then: "baseline".into(), now: "dhc-vendor".into() },
            Differs::Ports { then: "1-1024".into(), now: review.scan.ports.clone() },
        ],
        new: those(true),
        came_back: Vec::new(),
        mended_before: Vec::new(),
        fixed: vec![
            gone(
                "service/telnet-reachable-from-internet",
                "fw1 23/tcp",
                Severity::Critical,
                Became::Shut,
                ("Telnet does not answer the Internet", "Telnet 不回應互聯網的連線"),
            ),
            gone(
                "certificate/wrong-name",
                "web1 443/tcp (booking.lydhc.example)",
                Severity::Medium,
                Became::Passes,
                ("The certificate is for the name that members type", "證書與會員輸入的名稱相符"),
            ),
        ],
        not_seen_again: vec![gone(
            "tls/old-version",
            "fw1 443/tcp",
            Severity::Medium,
            Became::NotSettled,
            ("TLS is spoken in version 1.2 or newer", "只使用 TLS 1.2 或以上版本"),
        )],
        still_open: those(false),
        last_burden: 2_140,
        last_letter: Letter::F,
    }
}

fn waiver(
    id: &str,
    check: &str,
    host: &str,
    state: WaiverState,
    expires: &str,
    findings: Vec<String>,
) -> WaiverLine {
    WaiverLine {
        id: id.into(),
        check: CheckId(check.into()),
        host: HostId(host.into()),
        reason: both(
            "The kiosks’ firmware is replaced in January; until then only the centre’s own network uses it.",
            "資訊站的韌體將於一月更換，在此之前只有中心本身的網絡使用。",
        ),
        treatment: Treatment::Reduce,
        compensating: Some(both(
            "Only the kiosks’ own subnet is let through.",
            "只容許資訊站所在的子網連接。",
        )),
        owner: "B. Wong, Centre manager".into(),
        approved_by: "C. Lee, IT security adviser".into(),
        expires: day(expires),
        state,
        findings,
    }
}

fn host_line((id, system, names, addresses): &(&str, &str, &[&str], &[&str]), n: u32) -> HostLine {
    HostLine {
        id: HostId((*id).into()),
        system: Some((*system).into()),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        addresses: addresses.iter().filter_map(|address| address.parse().ok()).collect(),
        fragile: *id == "backup1",
        declared_at: DeclaredAt { path: "inventory/lydhc.yaml".into(), line: 18 + n * 9 },
    }
}

fn party(id: &str, en: &str, zh: &str) -> Party {
    Party { id: id.into(), name: both(en, zh), contact: Some(format!("security@{id}.example")) }
}

fn system(id: &str, en: &str, zh: &str, provider: &str, personal_data: bool) -> SystemLine {
    SystemLine {
        id: id.into(),
        purpose: both(en, zh),
        provider: Some(provider.into()),
        personal_data,
    }
}

fn both(en: &str, zh: &str) -> Said {
    Said(BTreeMap::from([("en".into(), en.into()), ("zh-Hant".into(), zh.into())]))
}

fn day(text: &str) -> Moment {
    text.parse().expect("a moment of the sample")
}
