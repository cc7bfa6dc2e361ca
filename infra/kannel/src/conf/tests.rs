use threadless::backend::Engines;

use super::plan::Wanted;
use super::*;
use crate::PLACEHOLDER;
use crate::backends::Backends;
use crate::check::{self, Folders};
use crate::file::Conf;

const SETTINGS: &str = include_str!("../../../../functions/settings.toml");
const FAR: &str = "https://abcdefghij.execute-api.eu-west-1.amazonaws.com";

struct Given<'g> {
    settings: &'g str,
    secrets: &'g [(&'g str, &'g str)],
    base_url: &'g str,
    backends: &'g [String],
    show_secrets: bool,
    sidecar: Sidecar,
}

impl Default for Given<'_> {
    fn default() -> Self {
        let (secrets, backends): (&[_], &[_]) = (&[], &[]);
        Self {
            settings: SETTINGS,
            secrets,
            base_url: FAR,
            backends,
            show_secrets: false,
            sidecar: Sidecar::Haproxy,
        }
    }
}

fn write(given: &Given<'_>) -> Result<Vec<Written>, String> {
    let lookup = |name: &str| {
        given.secrets.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
    };
    let settings = Backends::read(given.settings, &Engines::standard(), &lookup)?;
    let wanted = Wanted {
        base_url: given.base_url.parse().unwrap(),
        backends: given.backends,
        show_secrets: given.show_secrets,
        sidecar_port: 8443,
        resolver: (given.sidecar == Sidecar::Nginx).then(|| "127.0.0.53:53".parse().unwrap()),
        ca_file: "/etc/ssl/certs/ca-certificates.crt".into(),
        sendsms_cert: None,
        admin_password: lookup("KANNEL_ADMIN_PASSWORD"),
    };
    files(&Plan::new(&settings, wanted)?, given.sidecar)
}

fn found(conf: &str, settings: &str) -> Vec<String> {
    let conf = Conf::parse("kannel.conf", conf.as_bytes());
    let backends = Backends::read(settings, &Engines::standard(), &|_| None).unwrap();
    let findings = [check::check(&conf, Folders::Ignored), check::settings::check(&conf, &backends)].concat();
    findings.iter().map(|finding| format!("{} {}", finding.check.name, finding.found)).collect()
}

#[test]
fn the_shipped_files_are_what_is_written_for_the_shipped_settings() {
    let local = write(&Given { base_url: "http://127.0.0.1:8000", ..Given::default() }).unwrap();
    assert_eq!(local.len(), 1);
    assert_eq!(local[0].text, include_str!("../../kannel.conf"));
    for (sidecar, shipped) in [
        (Sidecar::Haproxy, include_str!("../../haproxy.cfg")),
        (Sidecar::Nginx, include_str!("../../nginx.conf")),
    ] {
        let far = write(&Given { sidecar, ..Given::default() }).unwrap();
        let text = &far[1].text;
        assert_eq!(text, shipped);
    }
}

#[test]
fn what_is_written_passes_the_checks_once_it_is_filled_in() {
    let secrets = [("KANNEL_TOKEN", "s3cret"), ("KANNEL_PASSWORD", "p"), ("KANNEL_ADMIN_PASSWORD", "a")];
    for sidecar in [Sidecar::Haproxy, Sidecar::Nginx] {
        for show_secrets in [false, true] {
            let written =
                write(&Given { secrets: &secrets, show_secrets, sidecar, ..Given::default() }).unwrap();
            let expected: &[&str] = if show_secrets {
                // The settings do not have the secrets of this test.
                &["unknown-user the password is not the one that my-kannel-backend sends"]
            } else {
                &[
                    "placeholder admin-password contains FILL-IN",
                    "placeholder status-password contains FILL-IN",
                    "placeholder password contains FILL-IN",
                    "unknown-user the password is not the one that my-kannel-backend sends",
                ]
            };
            assert_eq!(found(&written[0].text, SETTINGS), expected);
        }
    }
}

#[test]
fn secrets_show_only_when_they_are_asked_for() {
    let secrets =
        [("KANNEL_TOKEN", "t0ken"), ("KANNEL_PASSWORD", "passw0rd"), ("KANNEL_ADMIN_PASSWORD", "adm1n")];
    for base_url in [FAR, "http://127.0.0.1:8000"] {
        for sidecar in [Sidecar::Haproxy, Sidecar::Nginx] {
            let text = |show_secrets: bool| {
                let files =
                    write(&Given { secrets: &secrets, base_url, show_secrets, sidecar, ..Given::default() });
                files.unwrap().into_iter().map(|file| file.text).collect::<String>()
            };
            assert!(["t0ken", "passw0rd", "adm1n"].iter().all(|secret| !text(false).contains(secret)));
            assert!(["passw0rd", "adm1n"].iter().all(|secret| text(true).contains(secret)));
            let left = |line: &str| !line.starts_with('#') && line.contains(PLACEHOLDER);
            assert!(!text(true).lines().any(left), "{}", text(true));
        }
    }
    let literal = SETTINGS.replace("{ secret = \"KANNEL_PASSWORD\", local = \"change-me\" }", "\"l1teral\"");
    let written = write(&Given { settings: &literal, ..Given::default() }).unwrap();
    assert!(!written[0].text.contains("l1teral") && written[0].text.contains("\npassword = FILL-IN\n"));
}

#[test]
fn the_token_of_a_deployed_backend_is_in_no_url() {
    let secrets = [("KANNEL_TOKEN", "t0ken")];
    for (sidecar, header) in [
        (
            Sidecar::Haproxy,
            "set-header Authorization \"Bearer %[env(KANNEL_TOKEN)]\" if { path_beg /backend/my-kannel-backend/ }",
        ),
        (Sidecar::Nginx, "proxy_set_header Authorization \"Bearer t0ken\";"),
    ] {
        let written =
            write(&Given { secrets: &secrets, show_secrets: true, sidecar, ..Given::default() }).unwrap();
        assert!(!written[0].text.contains("t0ken"), "{}", written[0].text);
        assert!(written[1].text.contains(header), "{}", written[1].text);
    }
}

#[test]
fn the_front_before_sendsms_lets_the_functions_through_and_nobody_else() {
    let settings = SETTINGS.replace(
        "sendsms_url = \"http://127.0.0.1:13013/cgi-bin/sendsms\"",
        "sendsms_url = \"https://kannel.example:13443/cgi-bin/sendsms\"\nsendsms_token = { secret = \"SENDSMS_TOKEN\" }",
    );
    let secrets = [("KANNEL_TOKEN", "t0ken"), ("SENDSMS_TOKEN", "b4ck")];
    let text = |sidecar, show_secrets| {
        let given =
            Given { settings: &settings, secrets: &secrets, show_secrets, sidecar, ..Given::default() };
        write(&given).unwrap()[1].text.clone()
    };
    let haproxy = text(Sidecar::Haproxy, true);
    let guard = "deny deny_status 403 unless { req.hdr(authorization) -m str \"Bearer ${SENDSMS_TOKEN}\" }";
    assert!(haproxy.contains(guard) && haproxy.contains(".if !defined(SENDSMS_TOKEN)"), "{haproxy}");
    assert!(!haproxy.contains("b4ck"));
    let nginx = text(Sidecar::Nginx, true);
    assert!(nginx.contains("if ($http_authorization != \"Bearer b4ck\") {"), "{nginx}");
    assert!(!text(Sidecar::Nginx, false).contains("b4ck"));
}

const TWO: &str = "
[project]
name = \"Two\"
[backends.a]
engine = \"kannel\"
sendsms_url = \"https://kannel.example:13443/cgi-bin/sendsms\"
sendsms_params = { smsc = \"A\", from = \"1\", username = \"me\", password = { secret = \"P\" } }
token = { secret = \"A-1\" }
[backends.b]
engine = \"kannel\"
sendsms_url = \"https://kannel.example:13443/cgi-bin/sendsms\"
sendsms_params = { smsc = \"B\", from = \"2\", username = \"me\", password = { secret = \"P\" } }
";

#[test]
fn two_backends_at_one_kannel_have_a_line_and_a_service_each() {
    let given = Given { settings: TWO, base_url: "https://x.example/stage/", ..Given::default() };
    let written = write(&given).unwrap();
    let conf = Conf::parse("k", written[0].text.as_bytes());
    let of = |kind: &'static str, key: &'static str| -> Vec<String> {
        conf.all(kind).map(|group| group.value(key).unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(
        (of("smsc", "allowed-smsc-id"), of("sms-service", "accepted-smsc")),
        (vec!["A".into(), "B".into()], vec!["A".to_owned(), "B".to_owned()])
    );
    assert_eq!(of("sendsms-user", "username"), ["me"]);
    assert!(of("sms-service", "get-url")[1].starts_with("http://127.0.0.1:8443/stage/backend/b/?id=%p"));
    let findings: Vec<String> =
        found(&written[0].text, TWO).into_iter().filter(|found| !found.starts_with("placeholder")).collect();
    assert_eq!(findings, [] as [&str; 0]);
    let reports = "delivery_report_url = \"http://127.0.0.1:8443/stage\"";
    assert!(written[0].text.contains(reports), "{}", written[0].text);
    let haproxy = &written[1].text;
    assert!(haproxy.contains("unless { path_beg /stage/backend/a/ /stage/backend/b/ }"), "{haproxy}");
    assert!(haproxy.contains("env(A_1)]\" if { path_beg /stage/backend/a/ }") && !haproxy.contains("env(P)"));
    assert!(
        haproxy.contains("bind :13443 ssl crt"),
        "an https sendsms_url needs the front for replies: {haproxy}"
    );
    let only = write(&Given { backends: &["b".to_owned()], ..given }).unwrap();
    assert!(!only[0].text.contains("accepted-smsc") && !only[1].text.contains("/backend/a/"));
}

#[test]
fn what_cannot_be_written_is_told() {
    let change = |from: &str, to: &str| {
        assert!(TWO.contains(from), "{from}");
        TWO.replace(from, to)
    };
    let names = ["nobody".to_owned()];
    let table = [
        (TWO.to_owned(), "http://kannel.example", "unencrypted"),
        (TWO.to_owned(), "ftp://127.0.0.1", "unencrypted"),
        (TWO.to_owned(), "https://x.example/?a=b", "write scheme and host"),
        (TWO.to_owned(), "https://x.example/a'b", "the path contains characters"),
        (change("smsc = \"B\"", "smsc = \"A\""), FAR, "a and b have the same smsc"),
        (change("smsc = \"B\", ", ""), FAR, "b has no smsc"),
        (TWO.replacen("kannel.example", "other.example", 1), FAR, "a and b send to different Kannels"),
        (change("username = \"me\", ", ""), FAR, "a has no username"),
        (change("smsc = \"B\"", "smsc = \"included\""), FAR, "the word `include`"),
        ("[project]\nname = \"x\"".to_owned(), FAR, "no kannel backend"),
        ("[project]".to_owned(), FAR, "project.name"),
    ];
    for (settings, base_url, expected) in table {
        let problem = write(&Given { settings: &settings, base_url, ..Given::default() }).unwrap_err();
        assert!(problem.contains(expected) && !problem.contains('\n'), "{problem}");
    }
    let unknown = write(&Given { settings: TWO, backends: &names, ..Given::default() }).unwrap_err();
    assert_eq!(unknown, "there is no kannel backend nobody; there are: a, b");
    let secrets = [("KANNEL_TOKEN", "a$b")];
    let dollar = Given { secrets: &secrets, show_secrets: true, sidecar: Sidecar::Nginx, ..Given::default() };
    assert!(write(&dollar).unwrap_err().contains("use haproxy"));
}

#[test]
fn values_keep_what_they_are() {
    for value in ["plain-1", "a b", "say \"hi\"", "back\\slash", "", "#x", "é"] {
        let text = format!("group = core\nlog-file = {}\n", quoted(value));
        let conf = Conf::parse("k", text.as_bytes());
        assert_eq!(conf.groups[0].value("log-file"), Some(value));
        assert_eq!(conf.findings, []);
    }
}
