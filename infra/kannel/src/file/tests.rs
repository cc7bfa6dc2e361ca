use proptest::prelude::*;

use super::*;

fn names(conf: &Conf) -> Vec<(&'static str, usize)> {
    conf.findings.iter().map(|finding| (finding.check.name, finding.place.line)).collect()
}

#[test]
fn groups_keep_their_lines() {
    let text = "# head\n\ngroup = core\nadmin-port=13000\r\n  # within\n\tlog-file = \"/a b\"  \n\n\n\
                keyword = default\ngroup = sms-service\nmax-messages = 0 # none\n";
    let conf = Conf::parse("k", text.as_bytes());
    assert_eq!(names(&conf), []);
    let found: Vec<_> = conf.groups.iter().map(|group| (group.kind.as_str(), group.place.line)).collect();
    assert_eq!(found, [("core", 3), ("sms-service", 9)]);
    assert_eq!(conf.groups[0].value("log-file"), Some("/a b"));
    assert_eq!(conf.groups[0].place_of("log-file").to_string(), "k:6");
    assert_eq!(conf.groups[0].place_of("nothing").to_string(), "k:3");
    assert_eq!(conf.groups[1].number("max-messages"), Some(0));
}

#[test]
fn values_are_read_as_kannel_reads_them() {
    let conf = Conf::parse("k", b"group = core\na = -1\nb = 10s\nc = x\nd = yes\ne = TRUE\nf = false\ng =\n");
    let group = &conf.groups[0];
    let numbers = ["a", "b", "c", "nothing"].map(|key| group.number(key));
    assert_eq!(numbers, [Some(-1), Some(10), None, None]);
    assert_eq!(["d", "e", "f", "g"].map(|key| group.is_on(key)), [true, true, false, false]);
}

#[test]
fn what_kannel_stumbles_over_is_found_at_its_line() {
    let table: [(&str, &[(&str, usize)]); 7] = [
        ("group = core\nadmin-port\n", &[("no-equals", 2)]),
        ("keyword = x\n\ngroup = core\n", &[("no-group", 1)]),
        ("group = core\nlog-file = \"/x\n", &[("unfinished-quote", 2)]),
        ("group = sms-service\ntext = \"we include you\"\n", &[("include-word", 2)]),
        ("group = core\n\ninclude = \"/not/there\"\n", &[("unread-include", 3)]),
        ("group = core\nlog-level = 1\nlog-level = 2\n", &[("double-key", 2)]),
        ("group = core\nadmin-port = 1\n\ngroup = core\n", &[("double-group", 1)]),
    ];
    for (text, expected) in table {
        assert_eq!(names(&Conf::parse("k", text.as_bytes())), expected, "{text}");
    }
}

#[test]
fn what_is_included_stands_in_its_place_and_ends_the_group() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::create_dir(path("more")).unwrap();
    std::fs::create_dir(path("more/not-this")).unwrap();
    std::fs::write(path("more/2"), "group = smsc\nsmsc-id = B\n").unwrap();
    std::fs::write(path("more/1"), "smsc-id = A").unwrap();
    std::fs::write(path("self"), format!("include = {}\n", path("self").display())).unwrap();
    let more = path("more").display().to_string();
    let main =
        format!("group = smsc\ninclude = \"{more}\"\ngroup = core\n\ninclude = {}\n", path("self").display());
    std::fs::write(path("main"), main).unwrap();
    let conf = Conf::read(&path("main")).unwrap();
    let found: Vec<_> =
        conf.groups.iter().map(|group| (group.kind.as_str(), group.value("smsc-id"))).collect();
    assert_eq!(found, [("smsc", Some("A")), ("smsc", Some("B")), ("core", None)]);
    let at = conf.groups[1].place_of("smsc-id").to_string();
    assert_eq!(at, format!("{more}/2:2"));
    assert_eq!(names(&conf), [("unread-include", 1)]);
    assert!(conf.findings[0].place.file.ends_with("self"));
}

#[test]
fn what_is_no_kannel_conf_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let complaint = |bytes: &[u8]| {
        let file = dir.path().join("conf");
        std::fs::write(&file, bytes).unwrap();
        let problem = Conf::read(&file).unwrap_err().to_string();
        problem.replace(&file.display().to_string(), "conf")
    };
    assert_eq!(
        complaint(b"a = b\n\x7fELF\x00\x01"),
        "conf:2: the line contains a zero byte, so this is not a kannel.conf"
    );
    assert_eq!(complaint(b"# nothing\n"), "conf has no group, so it is not a kannel.conf");
    assert_eq!(complaint(b""), "conf has no group, so it is not a kannel.conf");
    let large = vec![b'#'; usize::try_from(LARGEST).unwrap() + 1];
    assert_eq!(complaint(&large), "conf is larger than 16 MB, so it is not a kannel.conf");
    let missing = Conf::read(&dir.path().join("missing")).unwrap_err().to_string();
    assert!(missing.ends_with("missing cannot be read: No such file or directory (os error 2)"), "{missing}");
    let folder = Conf::read(dir.path()).unwrap_err().to_string();
    assert!(folder.ends_with(" cannot be read: Is a directory (os error 21)"), "{folder}");
}

#[test]
fn a_line_of_a_megabyte_is_a_line() {
    let text =
        format!("group = sms-service\nget-url = \"http://x/?{}\"\nkeyword = x\n", "%C3&".repeat(1 << 18));
    let conf = Conf::parse("k", text.as_bytes());
    assert_eq!(conf.groups[0].place_of("keyword").line, 3);
    assert!(conf.groups[0].value("get-url").unwrap().len() > 1 << 20);
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_checked(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let conf = Conf::parse("k", &bytes);
        crate::check::check(&conf, crate::check::Folders::Ignored);
    }

    #[test]
    fn anything_that_looks_like_one_is_read_and_checked(
        lines in proptest::collection::vec(
            "(group|keyword|get-url|max-messages|http-request-retry|smsc|sendsms-chars|store-type)? ?=? ?(core|smsbox|sms-service|smsc|sendsms-user|-?[0-9]{1,30}|\"?http://(a:%[a-zA-Z]@)?[a-z.]{0,9}(:[0-9])?/backend/k/\\?([a-z]{1,4}=%[%a-zA-Z0-9]{1,3}&?){0,5}\"?|\\PC{0,20})",
            0..30,
        ),
    ) {
        let text = lines.join("\n");
        let conf = Conf::parse("k", text.as_bytes());
        for finding in crate::check::check(&conf, crate::check::Folders::Ignored) {
            prop_assert!((1..=lines.len().max(1)).contains(&finding.place.line));
        }
    }
}
