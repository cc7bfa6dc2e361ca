//! Bytes and texts in every charset, compared with the results of Python.

use super::*;

fn named(name: &str) -> Charset {
    Charset::named(name).unwrap()
}

#[test]
fn bytes_are_read_as_their_charset_says() {
    use Fidelity::{Exact, Lossy};
    let table: [(&str, &[u8], &str, Fidelity); 22] = [
        ("UTF-8", "é£€".as_bytes(), "é£€", Exact),
        ("UTF-8", b"caf\xe9", "caf\u{fffd}", Lossy),
        ("UTF-16BE", b"\x12\x30\x12\x0b\x12\x1d", "ሰላም", Exact),
        ("UTF-16BE", b"\xd8\x3d\xde\x42", "🙂", Exact),
        ("UTF-16BE", b"\xff\xff\x00\x00", "\u{ffff}\0", Exact),
        ("UTF-16BE", b"\x12\x30\x12", "ሰ\u{fffd}", Lossy),
        ("UTF-16BE", b"\xd8\x3d\x00a", "\u{fffd}a", Lossy),
        ("UTF-16BE", b"\xfe\xff\x00a", "\u{feff}a", Exact),
        ("ISO-8859-1", b"caf\xe9\x80", "café\u{80}", Exact),
        ("WINDOWS-1252", b"\x80 \x93x\x94", "€ “x”", Exact),
        ("windows-1256", b"\xd3\xe1\xc7\xe3", "سلام", Exact),
        ("8-BIT", b"\x00\xff", "\0ÿ", Lossy),
        ("GSM", b"\x00\x1b\x65\x7f", "@€à", Exact),
        ("GSM", b"a\x80\x1b", "a\u{fffd}\u{fffd}", Lossy),
        ("ascii", b"abc", "abc", Exact),
        ("ascii", b"\xe9", "\u{fffd}", Lossy),
        ("UTF-16", b"\x12\x30", "ሰ", Exact),
        ("WINDOWS-1252", b"\x81", "\u{81}", Lossy),
        ("windows-1255", b"\xf9\xff", "ש\u{fffd}", Lossy),
        ("Shift_JIS", b"\x82\xa0", "あ", Exact),
        ("ISO-2022-JP", b"\x1b$B$\"\x1b(B", "あ", Exact),
        ("ISO-2022-JP", b"\x1b(B\x1b(Ba", "\u{fffd}a", Lossy),
    ];
    for (charset, bytes, text, fidelity) in table {
        let decoded = Decoded { text: text.to_owned(), fidelity };
        assert_eq!(named(charset).decode(bytes), decoded, "{charset} {bytes:?}");
    }
}

#[test]
fn a_charset_that_nobody_named_is_guessed() {
    assert_eq!(guess("é".as_bytes()), Decoded { text: "é".into(), fidelity: Fidelity::Exact });
    assert_eq!(guess(b"caf\xe9"), Decoded { text: "café".into(), fidelity: Fidelity::Lossy });
}

/// The table has the results of `"aé€ሰ🙂".encode(charset, errors)` in Python 3.
#[test]
fn texts_are_written_as_python_writes_them() {
    let table: [(&str, &[u8], &[u8]); 6] = [
        ("ascii", b"a", b"a????"),
        ("latin-1", b"a\xe9", b"a\xe9???"),
        ("cp1252", b"a\xe9\x80", b"a\xe9\x80??"),
        ("koi8-r", b"a", b"a????"),
        (
            "utf-8",
            b"a\xc3\xa9\xe2\x82\xac\xe1\x88\xb0\xf0\x9f\x99\x82",
            b"a\xc3\xa9\xe2\x82\xac\xe1\x88\xb0\xf0\x9f\x99\x82",
        ),
        ("utf-16-be", b"\x00a\x00\xe9 \xac\x120\xd8=\xdeB", b"\x00a\x00\xe9 \xac\x120\xd8=\xdeB"),
    ];
    for (charset, ignored, replaced) in table {
        let encode = |errors| named(charset).encode("aé€ሰ🙂", errors);
        assert_eq!(encode(EncodeErrors::Ignore).as_deref(), Ok(ignored), "{charset}");
        assert_eq!(encode(EncodeErrors::Replace).as_deref(), Ok(replaced), "{charset}");
        assert_eq!(encode(EncodeErrors::Strict).is_ok(), charset.starts_with("utf"), "{charset}");
    }
    assert_eq!(Charset::Ascii.encode("aé", EncodeErrors::Strict), Err(NoSuchCharacter('é')));
}

/// The upper halves of the Windows code pages: four hexadecimal digits for each character, dashes where a page has no
/// character. The table comes from Python 3.11: `bytes([b]).decode(page)` for b from 0x80 to 0xFF.
#[rustfmt::skip]
const PAGES: [(&str, &str); 9] = [
    ("cp1250",
     "20ac----201a----201e202620202021----203001602039015a0164017d0179----20182019201c201d202220132014----2122\
      0161203a015b0165017e017a00a002c702d8014100a4010400a600a700a800a9015e00ab00ac00ad00ae017b00b000b102db0142\
      00b400b500b600b700b80105015f00bb013d02dd013e017c015400c100c2010200c40139010600c7010c00c9011800cb011a00cd\
      00ce010e01100143014700d300d4015000d600d70158016e00da017000dc00dd016200df015500e100e2010300e4013a010700e7\
      010d00e9011900eb011b00ed00ee010f01110144014800f300f4015100f600f70159016f00fa017100fc00fd016302d9"),
    ("cp1251",
     "04020403201a0453201e20262020202120ac203004092039040a040c040b040f045220182019201c201d202220132014----2122\
      0459203a045a045c045b045f00a0040e045e040800a4049000a600a7040100a9040400ab00ac00ad00ae040700b000b104060456\
      049100b500b600b704512116045400bb04580405045504570410041104120413041404150416041704180419041a041b041c041d\
      041e041f0420042104220423042404250426042704280429042a042b042c042d042e042f04300431043204330434043504360437\
      04380439043a043b043c043d043e043f0440044104420443044404450446044704480449044a044b044c044d044e044f"),
    ("cp1252",
     "20ac----201a0192201e20262020202102c62030016020390152----017d--------20182019201c201d20222013201402dc2122\
      0161203a0153----017e017800a000a100a200a300a400a500a600a700a800a900aa00ab00ac00ad00ae00af00b000b100b200b3\
      00b400b500b600b700b800b900ba00bb00bc00bd00be00bf00c000c100c200c300c400c500c600c700c800c900ca00cb00cc00cd\
      00ce00cf00d000d100d200d300d400d500d600d700d800d900da00db00dc00dd00de00df00e000e100e200e300e400e500e600e7\
      00e800e900ea00eb00ec00ed00ee00ef00f000f100f200f300f400f500f600f700f800f900fa00fb00fc00fd00fe00ff"),
    ("cp1253",
     "20ac----201a0192201e202620202021----2030----2039--------------------20182019201c201d202220132014----2122\
      ----203a----------------00a00385038600a300a400a500a600a700a800a9----00ab00ac00ad00ae201500b000b100b200b3\
      038400b500b600b703880389038a00bb038c00bd038e038f0390039103920393039403950396039703980399039a039b039c039d\
      039e039f03a003a1----03a303a403a503a603a703a803a903aa03ab03ac03ad03ae03af03b003b103b203b303b403b503b603b7\
      03b803b903ba03bb03bc03bd03be03bf03c003c103c203c303c403c503c603c703c803c903ca03cb03cc03cd03ce----"),
    ("cp1254",
     "20ac----201a0192201e20262020202102c62030016020390152----------------20182019201c201d20222013201402dc2122\
      0161203a0153--------017800a000a100a200a300a400a500a600a700a800a900aa00ab00ac00ad00ae00af00b000b100b200b3\
      00b400b500b600b700b800b900ba00bb00bc00bd00be00bf00c000c100c200c300c400c500c600c700c800c900ca00cb00cc00cd\
      00ce00cf011e00d100d200d300d400d500d600d700d800d900da00db00dc0130015e00df00e000e100e200e300e400e500e600e7\
      00e800e900ea00eb00ec00ed00ee00ef011f00f100f200f300f400f500f600f700f800f900fa00fb00fc0131015f00ff"),
    ("cp1255",
     "20ac----201a0192201e20262020202102c62030----2039--------------------20182019201c201d20222013201402dc2122\
      ----203a----------------00a000a100a200a320aa00a500a600a700a800a900d700ab00ac00ad00ae00af00b000b100b200b3\
      00b400b500b600b700b800b900f700bb00bc00bd00be00bf05b005b105b205b305b405b505b605b705b805b9----05bb05bc05bd\
      05be05bf05c005c105c205c305f005f105f205f305f4----------------------------05d005d105d205d305d405d505d605d7\
      05d805d905da05db05dc05dd05de05df05e005e105e205e305e405e505e605e705e805e905ea--------200e200f----"),
    ("cp1256",
     "20ac067e201a0192201e20262020202102c6203006792039015206860698068806af20182019201c201d20222013201406a92122\
      0691203a0153200c200d06ba00a0060c00a200a300a400a500a600a700a800a906be00ab00ac00ad00ae00af00b000b100b200b3\
      00b400b500b600b700b800b9061b00bb00bc00bd00be061f06c1062106220623062406250626062706280629062a062b062c062d\
      062e062f063006310632063306340635063600d7063706380639063a064006410642064300e0064400e2064506460647064800e7\
      00e800e900ea00eb0649064a00ee00ef064b064c064d064e00f4064f065000f7065100f9065200fb00fc200e200f06d2"),
    ("cp1257",
     "20ac----201a----201e202620202021----2030----2039----00a802c700b8----20182019201c201d202220132014----2122\
      ----203a----00af02db----00a0----00a200a300a4----00a600a700d800a9015600ab00ac00ad00ae00c600b000b100b200b3\
      00b400b500b600b700f800b9015700bb00bc00bd00be00e60104012e0100010600c400c501180112010c00c90179011601220136\
      012a013b01600143014500d3014c00d500d600d701720141015a016a00dc017b017d00df0105012f0101010700e400e501190113\
      010d00e9017a011701230137012b013c01610144014600f3014d00f500f600f701730142015b016b00fc017c017e02d9"),
    ("cp1258",
     "20ac----201a0192201e20262020202102c62030----20390152----------------20182019201c201d20222013201402dc2122\
      ----203a0153--------017800a000a100a200a300a400a500a600a700a800a900aa00ab00ac00ad00ae00af00b000b100b200b3\
      00b400b500b600b700b800b900ba00bb00bc00bd00be00bf00c000c100c2010200c400c500c600c700c800c900ca00cb030000cd\
      00ce00cf011000d1030900d300d401a000d600d700d800d900da00db00dc01af030300df00e000e100e2010300e400e500e600e7\
      00e800e900ea00eb030100ed00ee00ef011100f1032300f300f401a100f600f700f800f900fa00fb00fc01b020ab00ff"),
];

#[test]
fn the_windows_pages_are_those_of_python() {
    for (name, page) in PAGES {
        let charset = named(name);
        assert_eq!(charset, named(&name.replace("cp", "WINDOWS-")));
        for (byte, code) in (0x80u8..=0xff).zip(page.as_bytes().as_chunks::<4>().0) {
            let code = std::str::from_utf8(code).unwrap();
            let decoded = charset.decode(&[byte]);
            let Ok(code) = u32::from_str_radix(code, 16) else {
                // Later versions of the code page 1255 have a character at 0xCA.
                let later = (name, byte) == ("cp1255", 0xca);
                assert_eq!(decoded.fidelity == Fidelity::Lossy, !later, "{name} {byte:02x}");
                continue;
            };
            let text = char::from_u32(code).unwrap().to_string();
            assert_eq!(charset.encode(&text, EncodeErrors::Strict), Ok(vec![byte]), "{name} {byte:02x}");
            assert_eq!(decoded, Decoded { text, fidelity: Fidelity::Exact }, "{name} {byte:02x}");
        }
    }
}

/// Kannel replaces a byte that a page does not have by `?`.
#[test]
fn control_characters_are_not_hidden_in_the_gaps_of_a_page() {
    for name in ["cp1252", "cp874", "cp1258"] {
        assert_eq!(named(name).encode("a\u{81}b", EncodeErrors::Ignore).as_deref(), Ok(&b"ab"[..]), "{name}");
        assert_eq!(
            named(name).encode("a\u{81}b", EncodeErrors::Replace).as_deref(),
            Ok(&b"a?b"[..]),
            "{name}"
        );
    }
    assert_eq!(Charset::Latin1.encode("\u{81}", EncodeErrors::Strict).as_deref(), Ok(&b"\x81"[..]));
}

#[test]
fn a_charset_is_known_by_its_many_names() {
    use Charset::{Ascii, Gsm, Latin1, Utf16Be};
    let table = [
        (Ascii, "ASCII us_ascii ANSI_X3.4-1968 646"),
        (
            Latin1,
            "iso8859-1 iso_8859-1 ISO_8859-1:1987 latin1 latin_1 L1 cp819 IBM819 iso-ir-100 csISOLatin1",
        ),
        (Utf16Be, "UTF-16BE utf_16_be UTF-16 ucs2 ISO-10646-UCS-2"),
        (Gsm, "GSM gsm7 GSM-7"),
        (Charset::Other(encoding_rs::WINDOWS_1252), "cp1252 Windows-1252 windows_1252 x-cp1252"),
        (Charset::Other(encoding_rs::WINDOWS_874), "cp874 windows-874 TIS-620"),
        (Charset::Other(encoding_rs::IBM866), "cp866 IBM866"),
        (Charset::Other(encoding_rs::SHIFT_JIS), "shift_jis Shift-JIS"),
        (Charset::Other(encoding_rs::EUC_KR), "euc_kr ks_c_5601-1987 cp949"),
    ];
    for (charset, names) in table {
        for name in names.split(' ') {
            assert_eq!(Charset::named(name), Some(charset), "{name}");
        }
    }
    // The WHATWG standard reads these charsets, but writes UTF-8 in their place.
    for name in ["", "klingon", "unicode", "unicodefffe", "hz-gb-2312", "x-user-defined", "cp", "cp1"] {
        assert_eq!(Charset::named(name), None, "{name}");
    }
}

#[test]
fn a_charset_with_modes_ends_in_ascii_and_replaces_in_between() {
    let jis = named("ISO-2022-JP");
    assert_eq!(jis.encode("あ", EncodeErrors::Strict).as_deref(), Ok(&b"\x1b$B$\"\x1b(B"[..]));
    let replaced = jis.encode("あሰあ", EncodeErrors::Replace).unwrap();
    assert_eq!(jis.decode(&replaced).text, "あ?あ");
}

const ALL: &str = "ascii utf-8 utf-16be utf-16le iso-8859-1 gsm 8-bit cp874 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 \
    cp1256 cp1257 cp1258 iso-8859-2 iso-8859-8-i iso-8859-15 koi8-r koi8-u ibm866 macintosh shift_jis euc-jp \
    iso-2022-jp euc-kr gbk gb18030 big5";

proptest::proptest! {
    #[test]
    fn exact_means_that_the_bytes_can_be_made_again(bytes: Vec<u8>) {
        for name in ALL.split_ascii_whitespace() {
            let decoded = named(name).decode(&bytes);
            let back = named(name).encode(&decoded.text, EncodeErrors::Strict);
            if decoded.fidelity == Fidelity::Exact {
                proptest::prop_assert_eq!(back.as_ref(), Ok(&bytes), "{}", name);
            }
        }
    }

    #[test]
    fn without_a_lack_the_way_of_dealing_with_it_does_not_matter(text: String) {
        for name in ALL.split_ascii_whitespace() {
            let charset = named(name);
            let ignored = charset.encode(&text, EncodeErrors::Ignore).unwrap();
            let replaced = charset.encode(&text, EncodeErrors::Replace).unwrap();
            match charset.encode(&text, EncodeErrors::Strict) {
                Ok(bytes) => proptest::prop_assert!(bytes == ignored && bytes == replaced, "{}", name),
                Err(NoSuchCharacter(c)) => proptest::prop_assert!(text.contains(c), "{}", name),
            }
        }
    }
}
