//! The letter of a plan with the whole library: a vendor reads it, so that it says everything once.

use std::fs;
use std::process::Command;

const INVENTORY: &str = "schema: postern/inventory/v1
operator: {id: dhc, name: {en: District Health Centre}}
vantages: [{id: outside, kind: internet}]
hosts:
  - {id: web1, addresses: [192.0.2.10]}
  - {id: web2, addresses: [192.0.2.11]}
  - {id: web3, addresses: [192.0.2.12]}
  - {id: scanner1, addresses: [192.0.2.20], fragile: true}
";

const AUTHORISATION: &str = "schema: postern/authorisation/v1
id: whole
scope: {hosts: [web1, web2, web3, scanner1]}
class: read-only
windows: [{from: 2020-01-01T00:00:00Z, to: 2099-01-01T00:00:00Z}]
limits: {per_second: 50, per_host_per_second: 10, per_host_parallel: 4}
entitled: [{party: operator, name: Chan Tai Man, title: Director, signed_on: 2026-01-01}]
";

fn plan(form: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("inventory.yaml"), INVENTORY).expect("an inventory");
    fs::write(folder.path().join("authorisation.yaml"), AUTHORISATION).expect("an authorisation");
    let output = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(["plan", "--inventory", "inventory.yaml", "--authorisation", "authorisation.yaml"])
        .args(["--profile", "baseline", "--format", form])
        .current_dir(folder.path())
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn it_says_everything_once() {
    let letter = plan("text");
    let lines: Vec<&str> = letter.lines().collect();
    let (sent, hosts) = letter.split_once("\nHost by host\n").expect("both parts");
    // Every probe of the library with what it sends, and then four hosts, three of which are asked the same.
    assert!(hosts.lines().count() <= 200, "{} lines of hosts", hosts.lines().count());
    assert_eq!(hosts.matches("\nweb").count(), 3, "every host is named\n{hosts}");
    assert!(hosts.contains("  of each of these 3:"), "{hosts}");
    assert_eq!(hosts.matches("not tested").count(), 1, "one rule leaves out all of it\n{hosts}");
    for line in &lines {
        let one_word = line.trim().split(' ').count() == 1;
        assert!(line.len() <= 80 || one_word || !line.is_ascii(), "too wide: {line}");
    }
    let plan: serde_json::Value = serde_json::from_str(&plan("json")).expect("JSON");
    let steps = plan["steps"].as_array().expect("steps");
    let mut wanted = 0;
    for step in steps.iter().filter(|step| step["host"] == "web1") {
        let probe = step["probe"].as_str().expect("a name");
        let told = sent.matches(&format!("({probe})")).count()
            + sent.matches(&format!("\n  {probe:11}")).count();
        assert_eq!(told, 1, "{probe} is told once");
        wanted += 1;
    }
    assert!(wanted > 40, "only {wanted} probes were planned");
}
