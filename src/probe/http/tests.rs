//! Web servers by script.

use super::*;
use crate::model::saw::Cut;
use crate::probe::scripted::{Script, ask};

async fn web(answers: &[&str]) -> HttpSaw {
    let says = answers.iter().map(|answer| answer.as_bytes().to_vec()).collect();
    ask(&PROBE, Script { says, polite: true, ..Script::default() }, None).await
}

#[tokio::test(start_paused = true)]
async fn a_page_comes_with_its_title_and_without_its_secrets() {
    let saw = web(&["HTTP/1.1 200 OK\r\nServer: nginx/1.18.0\r\nX-A: 1\r\nX-A: 2\r\n\
        Set-Cookie: sid=secret; Secure\r\n\r\n<html><TITLE lang=en>\n Book &amp;  come </TITLE>token=secret"])
    .await;
    assert_eq!((saw.speaks, &saw.cut, &saw.not_followed), (Some(true), &None, &None));
    let [answer] = saw.answers.as_slice() else { panic!("one answer: {saw:?}") };
    assert_eq!(answer.url.raw(), "http://web.example:443/");
    assert_eq!(answer.title, Some("Book & come".into()));
    assert!(answer.body.raw().ends_with("token=[cut]") && !answer.truncated);
    let fields: Vec<_> = answer.headers.iter().map(|(n, v)| (n.raw(), v.raw())).collect();
    let wanted =
        [("server", "nginx/1.18.0"), ("x-a", "1"), ("x-a", "2"), ("set-cookie", "sid=[cut]; Secure")];
    assert_eq!(fields, wanted);
}

#[tokio::test(start_paused = true)]
async fn redirects_are_followed_at_home_and_nowhere_else() {
    let home = "HTTP/1.1 301 Moved\r\nLocation: https2/a?sid=77\r\nContent-Length: 0\r\n\r\n";
    let own = "HTTP/1.1 302 Found\r\nLocation: http://www.web.example/b\r\nContent-Length: 0\r\n\r\n";
    let away = "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n";
    let saw = web(&[home, own, away]).await;
    let urls: Vec<&str> = saw.answers.iter().map(|answer| answer.url.raw()).collect();
    let wanted = [
        "http://web.example:443/",
        "http://web.example:443/https2/a?sid=[cut]",
        "http://www.web.example/b",
    ];
    assert_eq!(urls, wanted);
    let (to, why) = saw.not_followed.expect("a reason");
    assert_eq!((to.raw(), why.as_str()), ("http://evil.example/", "evil.example is no name of web1"));
}

#[tokio::test(start_paused = true)]
async fn the_scope_has_the_last_word_on_addresses() {
    let out = "HTTP/1.1 302 Found\r\nLocation: http://198.51.100.7/\r\nContent-Length: 0\r\n\r\n";
    let saw = web(&[out]).await;
    assert_eq!(saw.not_followed.expect("a reason").1, "198.51.100.7 is out of scope");
    assert_eq!(saw.answers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_is_told_from_silence() {
    let ssh = web(&["SSH-2.0-x\r\n"]).await;
    assert_eq!(ssh.speaks, Some(false));
    let mute = ask::<HttpSaw>(&PROBE, Script::says(b""), None).await;
    assert_eq!((mute.speaks, mute.cut), (None, Some(Cut::TimedOut)));
    let closing = web(&[""]).await;
    assert_eq!((closing.speaks, closing.cut), (None, Some(Cut::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_page_cut_short_says_so() {
    let saw = web(&["HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<title>half"]).await;
    let [answer] = saw.answers.as_slice() else { panic!("one answer: {saw:?}") };
    assert!(answer.truncated && answer.title.is_none());
    assert_eq!(saw.cut, Some(Cut::Closed));
}
