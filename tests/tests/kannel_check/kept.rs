//! The data that survives the end of bearerbox.

use tests::kannel::{KannelOptions, ReceiptState};

use super::proof::{CODE, LIMIT, PHONE, Proof, heard, replace, show};

/// The faults that these proofs show.
pub(crate) const SHOWN: &[&str] = &["no-store", "forgotten-reports"];

const STORE: &str = "store-type = spool\n";

/// Disables the line with the folder, which differs in each run. Renames its key to one that bearerbox ignores.
fn without_place(options: &mut KannelOptions) {
    replace(options, "store-location = ", "unified-prefix = ");
}

/// Sets a folder for awaited reports, which survives the process.
fn spooled(options: &mut KannelOptions) {
    let folder = tempfile::tempdir().unwrap().keep();
    let lines = format!("dlr-storage = spool\ndlr-spool = \"{}\"", folder.display());
    replace(options, "dlr-storage = internal", &lines);
}

fn proofs() -> Vec<Proof> {
    let stored = |fault: fn(&mut KannelOptions)| Proof {
        check: "no-store",
        fault,
        mend: |_| {},
        act: |kannel, _| {
            Box::pin(async move {
                kannel.stop_smsbox().await;
                kannel.smsc().text(PHONE, CODE, "stored").await.unwrap();
                kannel.kill();
                kannel.restart().await.unwrap();
            })
        },
        see: heard,
        faulty: &[],
        mended: &["stored"],
    };
    vec![
        stored(|options| {
            without_place(options);
            replace(options, STORE, "");
        }),
        stored(without_place),
        Proof {
            check: "forgotten-reports",
            fault: |_| {},
            mend: spooled,
            act: |kannel, endpoint| {
                Box::pin(async move {
                    let url = endpoint.url("/dlr?d=%d");
                    let params: [(&str, &[u8]); 6] = [
                        ("from", CODE.as_bytes()),
                        ("to", PHONE.as_bytes()),
                        ("smsc", b"A"),
                        ("text", b"hi"),
                        ("dlr-mask", b"31"),
                        ("dlr-url", url.as_bytes()),
                    ];
                    assert_eq!(kannel.sendsms(&params).await.unwrap().status, 202);
                    let sent = kannel.smsc().wait_for_mts(1, LIMIT).await.unwrap();
                    endpoint.wait_for(1, LIMIT).await.unwrap();
                    kannel.kill();
                    kannel.restart().await.unwrap();
                    kannel.smsc().receipt(&sent[0], ReceiptState::Delivered).await.unwrap();
                })
            },
            // 8 means that the operator has the message. 1 means that the phone has it.
            see: |_, endpoint| endpoint.requests().iter().filter_map(|request| request.text("d")).collect(),
            faulty: &["8"],
            mended: &["8", "1"],
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn what_is_lost_when_bearerbox_dies_is() {
    show(&proofs(), SHOWN).await;
}
