use std::collections::BTreeSet;

use super::*;

/// The configuration in this repository.
const SHIPPED: &str = include_str!("../../kannel.conf");
const SETTINGS: &str = include_str!("../../../../functions/settings.toml");

fn names(conf: &str) -> Vec<&'static str> {
    let found = check(&Conf::parse("k", conf.as_bytes()), Folders::Ignored);
    found.iter().map(|finding| finding.check.name).collect()
}

/// Returns the shipped configuration with one line (or the beginning of a line) replaced.
fn with(from: &str, to: &str) -> String {
    let line = format!("\n{from}");
    assert_eq!(SHIPPED.matches(&line).count(), 1, "{from}");
    // A blank line would end the group.
    let to = if to.is_empty() { "#" } else { to };
    SHIPPED.replace(&line, &format!("\n{to}"))
}

fn backends(settings: &str) -> Backends {
    Backends::read(settings, &Engines::standard(), &|_| None).unwrap()
}

#[test]
fn the_shipped_configuration_is_clean() {
    let conf = Conf::parse("k", SHIPPED.as_bytes());
    assert_eq!(check(&conf, Folders::Ignored), []);
    assert_eq!(settings::check(&conf, &backends(SETTINGS)), []);
}

const URL: &str = "get-url = \"http://127.0.0.1:8000/backend/my-kannel-backend/?id=%p&to=%P&hex=%e&charset=%C&coding=%c&udh=%u&mid=%I&smsc=%i&account=%o&ts=%T\"";
const SECOND_LINE: &str =
    "group = smsc\nsmsc = fake\nsmsc-id = two\nport = 10001\nconnect-allow-ip = 127.0.0.1\n";
const SECOND_USER: &str = "group = sendsms-user\nusername = rapidsms\npassword = other\nuser-deny-ip = \"*.*.*.*\"\nmax-messages = 10\nconcatenation = true\n";

/// Returns a get-url with one part replaced.
fn url(from: &str, to: &str) -> String {
    assert!(URL.contains(from), "{from}");
    with(URL, &URL.replace(from, to))
}

/// Returns each check with a configuration that only this check complains about.
fn cases() -> Vec<(&'static str, String)> {
    vec![
        ("no-equals", with("sendsms-port = 13013", "sendsms-port = 13013\nnothing")),
        ("no-group", with("log-level = 1", "\nlog-level = 1")),
        ("unfinished-quote", with("dlr-spool = \"/var", "dlr-spool = /var")),
        ("include-word", with("log-level = 1", "log-level = 1\nlog-file = /included")),
        ("unread-include", with("group = smsbox", "include = \"/not/there\"\n\ngroup = smsbox")),
        ("double-key", with("log-level = 1", "log-level = 1\nlog-level = 1")),
        ("double-group", with("group = smsbox", "group = smsbox\n\ngroup = smsbox")),
        ("no-store", with("store-location", "# store-location")),
        ("empty-value", with("store-location = \"/var/spool/kannel/store\"", "store-location = \"\"")),
        ("empty-value", with("store-location = \"/var/spool/kannel/store\"", "store-location =")),
        ("empty-value", with("dlr-storage = spool", "dlr-storage = \"\"")),
        ("no-store", with("store-type = spool\nstore-location = \"/var/spool/kannel/store\"", "")),
        ("parts-as-messages", with("log-level = 1", "sms-combine-concatenated-mo = false")),
        ("gives-up", with("log-level = 1", "sms-resend-retry = 3")),
        ("any-line", with("group = smsbox", &format!("{SECOND_LINE}\ngroup = smsbox"))),
        ("one-way-line", with("smsc = fake", "smsc = smpp")),
        ("no-retry", with("http-request-retry = 8640", "")),
        ("no-retry", with("http-request-retry = 8640", "http-request-retry = 0")),
        ("short-retry", with("http-request-retry = 8640", "http-request-retry = 100")),
        ("short-timeout", with("http-timeout = 60", "http-timeout = 56")),
        ("many-in-flight", with("max-pending-requests = 50", "")),
        ("unrouted-smsbox", with("http-timeout = 60", "http-timeout = 60\nsmsbox-id = mine")),
        ("global-sender", with("http-timeout = 60", "http-timeout = 60\nglobal-sender = 1")),
        ("sendsms-chars", with("sendsms-chars = \"0123456789 +-\"", "sendsms-chars = \"0123456789 -\"")),
        ("hasty-answer", with("http-timeout = 60", "http-timeout = 60\nimmediate-sendsms-reply = true")),
        ("no-sendsms", with("sendsms-port = 13013", "")),
        ("open-sendsms", with("sendsms-interface = 127.0.0.1", "").replace("change-me", "oov1Faequ8ai")),
        ("texts-in-log", with("log-level = 1", "log-level = 0")),
        ("texts-in-log", with("log-level = 1", "access-log = /x")),
        ("same-user", with("group = sms-service", &format!("{SECOND_USER}\ngroup = sms-service"))),
        ("cut-replies", with("max-messages = 10\nconcatenation = true", "")),
        ("few-parts", with("max-messages = 10", "max-messages = 3")),
        ("loose-parts", with("concatenation = true", "concatenation = false")),
        ("faked-sender", with("concatenation = true", "concatenation = true\nfaked-sender = 1")),
        ("allow-without-deny", with("user-deny-ip = \"*.*.*.*\"", "")),
        ("allow-without-deny", with("user-deny-ip = \"*.*.*.*\"", "user-deny-ip = \"\"")),
        ("allow-without-deny", with("box-deny-ip = \"*.*.*.*\"", "box-deny-ip = \"10.0.0.1\"")),
        ("allow-without-deny", with("admin-deny-ip = \"*.*.*.*\"", "admin-deny-ip = \"\"")),
        (
            "allow-without-deny",
            with("admin-deny-ip = \"*.*.*.*\"", "admin-deny-ip = \"10.*.*.*;192.168.*.*\""),
        ),
        (
            "any-address",
            with("box-deny-ip = \"*.*.*.*\"\nbox-allow-ip = \"127.0.0.1\"", "box-deny-ip = \"10.0.0.1\""),
        ),
        (
            "any-address",
            with("box-deny-ip = \"*.*.*.*\"\nbox-allow-ip = \"127.0.0.1\"", "box-deny-ip = \"\""),
        ),
        (
            "any-address",
            with("smsbox-interface = 127.0.0.1\nbox-deny-ip = \"*.*.*.*\"\nbox-allow-ip = \"127.0.0.1\"", ""),
        ),
        ("placeholder", with("username = rapidsms", "username = rapidsms-FILL-IN")),
        ("well-known-password", with("sendsms-interface = 127.0.0.1", "sendsms-interface = 0.0.0.0")),
        ("no-default", with("keyword = default", "keyword = echo")),
        (
            "shadowed-service",
            format!("{SHIPPED}\ngroup = sms-service\nkeyword = default\nmax-messages = 0\n{URL}\n"),
        ),
        ("answers-to-phones", with("max-messages = 0\nomit-empty = true", "")),
        ("answers-to-phones", with("max-messages = 0\nomit-empty = true", "max-messages = 3")),
        ("errors-to-phones", with("max-messages = 0", "max-messages = 10")),
        ("errors-to-phones", with("max-messages = 0", "")),
        (
            "answers-to-phones",
            with("max-messages = 0\nomit-empty = true", "max-messages = 10\nomit-empty = false"),
        ),
        ("unknown-line", with("keyword = default", "keyword = default\naccepted-smsc = other")),
        ("words-of-text", url("&udh=%u", "&first=%k")),
        ("no-text", url("hex=%e", "hex=")),
        ("no-sender", url("id=%p", "sender=%p")),
        ("no-id", url("&mid=%I", "")),
        ("no-charset", url("&charset=%C&coding=%c", "")),
        ("taken-escape", url("&udh=%u", "&clinic=%C3%9F")),
        ("direct-https", url("http:", "https:")),
        ("too-long", url("hex=%e", "hex=%e&text=%b")),
        ("not-a-url", url("&udh=%u", "&udh=%u x")),
        ("token-in-url", url("127", "k:s3cret@127")),
        ("token-in-url", url("?id", "?token=s3cret&id")),
        ("no-time", url("&ts=%T", "")),
        ("no-receiver", url("to=%P&", "")),
        ("in-the-clear", url("127.0.0.1", "10.0.0.1")),
        ("forgotten-reports", with("dlr-storage = spool", "dlr-storage = internal")),
        ("forgotten-reports", with("dlr-storage = spool", "")),
        ("reports-nowhere", with("dlr-spool", "# dlr-spool")),
        ("reports-nowhere", with("dlr-spool = \"/var/spool/kannel/dlr\"", "dlr-spool = \"\"")),
    ]
}

#[test]
fn each_check_finds_its_own_fault_and_no_other() {
    for (name, conf) in cases() {
        let found: BTreeSet<&str> = names(&conf).into_iter().collect();
        // If smsbox cannot call a URL, the URL is also not one of ours.
        let expected =
            if name == "not-a-url" { BTreeSet::from([name, "not-ours"]) } else { BTreeSet::from([name]) };
        assert_eq!(
            found,
            expected,
            "{}",
            report::text(&check(&Conf::parse("k", conf.as_bytes()), Folders::Ignored))
        );
    }
}

#[test]
fn a_list_that_names_every_address_beside_others_denies_all() {
    let conf = with("admin-deny-ip = \"*.*.*.*\"", "admin-deny-ip = \"10.0.0.1;*.*.*.*\"");
    assert_eq!(names(&conf), [""; 0]);
}

#[test]
fn a_file_without_its_groups_is_told_so() {
    let table: [(&str, &[&str]); 4] = [
        ("group = modems\n", &["no-core", "no-smsbox"]),
        ("group = core\nsmsbox-interface = 127.0.0.1\n", &["no-smsbox", "no-line"]),
        ("group = smsbox\n", &["no-core", "no-user", "no-default", "not-ours"]),
        (
            "group = smsbox\n\ngroup = sms-service\nkeyword = default\npost-url = \"http://x/backend/k/\"\n",
            &["not-a-get"],
        ),
    ];
    for (conf, expected) in table {
        let found = names(conf);
        assert!(expected.iter().all(|name| found.contains(name)), "{conf}: {found:?}");
    }
}

#[test]
fn missing_folders_are_missed_on_kannels_own_machine_only() {
    let conf = SHIPPED.replace("/var/spool/kannel", "/not/there");
    let conf = Conf::parse("k", conf.as_bytes());
    let found: Vec<&str> = check(&conf, Folders::Looked).iter().map(|finding| finding.check.name).collect();
    assert_eq!(found, ["missing-folder", "missing-report-folder"]);
    assert_eq!(check(&conf, Folders::Ignored), []);
}

#[test]
fn settings_that_do_not_fit_are_found() {
    let replaced = |from: &str, to: &str| {
        assert!(SETTINGS.contains(from), "{from}");
        SETTINGS.replace(from, to)
    };
    let http = "[backends.h]\nengine = \"http\"\noutgoing_method = \"json\"\noutgoing_url = \"http://x/\"\n";
    let table = [
        (
            SHIPPED.replace("/backend/my-kannel-backend/", "/backend/other/"),
            SETTINGS.to_owned(),
            vec!["uncalled-backend", "unknown-backend"],
        ),
        (
            SHIPPED.replace("/backend/my-kannel-backend/", "/backend/h/"),
            format!("{SETTINGS}\n{http}"),
            vec!["uncalled-backend", "unknown-backend"],
        ),
        (
            url("127", "k:wrong@127"),
            replaced("local = \"\" }\n# \"auto\"", "local = \"right\" }\n# \"auto\""),
            vec!["wrong-token"],
        ),
        (
            url("?id", "?token=right&id"),
            replaced("local = \"\" }\n# \"auto\"", "local = \"right\" }\n# \"auto\""),
            vec![],
        ),
        (SHIPPED.to_owned(), replaced("username = \"rapidsms\"", "username = \"me\""), vec!["unknown-user"]),
        (SHIPPED.to_owned(), replaced("local = \"change-me\"", "local = \"changed\""), vec!["unknown-user"]),
        (SHIPPED.to_owned(), replaced(", local = \"change-me\"", ""), vec![]),
        (
            SHIPPED.to_owned(),
            replaced("smsc = \"usb0-modem\"", "smsc = \"usb1-modem\""),
            vec!["not-routable"],
        ),
        (SHIPPED.to_owned(), replaced("smsc = \"usb0-modem\"\n", ""), vec!["not-routable"]),
        (with("allowed-smsc-id = usb0-modem", ""), replaced("smsc = \"usb0-modem\"\n", ""), vec![]),
        (
            with("concatenation = true", "concatenation = true\ndefault-smsc = usb0-modem"),
            replaced("smsc = \"usb0-modem\"\n", ""),
            vec![],
        ),
        (SHIPPED.to_owned(), replaced("from = \"1234\"\n", ""), vec!["no-from"]),
        (
            with("concatenation = true", "concatenation = true\ndefault-sender = 1234"),
            replaced("from = \"1234\"\n", ""),
            vec![],
        ),
        (with("sendsms-port = 13013", "sendsms-port = 13014"), SETTINGS.to_owned(), vec!["other-sendsms"]),
        (
            with("sendsms-port = 13013", "sendsms-port = 13013\nsendsms-url = /send"),
            SETTINGS.to_owned(),
            vec!["other-sendsms"],
        ),
        (
            with("sendsms-port = 13013", "sendsms-port = 13014"),
            replaced("http://127.0.0.1:13013", "https://kannel.example"),
            vec![],
        ),
    ];
    for (conf, settings, expected) in table {
        let found = settings::check(&Conf::parse("k", conf.as_bytes()), &backends(&settings));
        let mut names: Vec<&str> = found.iter().map(|finding| finding.check.name).collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{}", report::text(&found));
    }
}

#[test]
fn every_check_has_a_name_of_its_own_and_is_found_by_a_test() {
    let all = all();
    let names: BTreeSet<&str> = all.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), all.len());
    let mut tested: BTreeSet<&str> = cases().into_iter().map(|(name, _)| name).collect();
    tested.extend(settings::ALL.iter().map(|check| check.name));
    let others = [
        "no-line",
        "no-core",
        "no-smsbox",
        "no-user",
        "not-ours",
        "not-a-get",
        "missing-folder",
        "missing-report-folder",
    ];
    tested.extend(others);
    assert_eq!(names, tested);
}

#[test]
fn findings_are_shown_by_line_and_as_json() {
    let conf =
        "group = core\nstore-location = /x\nstore-type = spool\ndlr-storage = internal\n\ngroup = smsbox\n";
    let found = check(&Conf::parse("k.conf", conf.as_bytes()), Folders::Ignored);
    let text = report::text(&found);
    let first = "\nk.conf:4: fault: dlr-storage = internal [forgotten-reports]\n    effect: after a restart, the reports";
    assert!(text.contains(first), "{text}");
    assert!(text.ends_with("faults: 7, advice: 3\n"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&report::json(&found)).unwrap();
    let row = json.as_array().unwrap().iter().find(|row| row["check"] == "forgotten-reports").unwrap();
    assert_eq!(
        (&row["file"], &row["line"], &row["severity"]),
        (&"k.conf".into(), &4.into(), &"fault".into())
    );
    assert_eq!(
        row["write"].as_str().unwrap(),
        found.iter().find(|f| f.check.name == "forgotten-reports").unwrap().mend
    );
    assert_eq!(report::text(&[]), "faults: 0, advice: 0\n");
}
