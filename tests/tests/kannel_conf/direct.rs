//! A smsbox without a sidecar, which is the fault that `direct-https` reports.

use tests::kannel::{Kannel, KannelOptions};
use tests::recorder::Recorder;
use tests::tls::{Authority, TlsFront};
use threadless_local::kannel::check::{Folders, check};
use threadless_local::kannel::file::Conf;

use super::process::LIMIT;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Kannel: tests/run"]
async fn smsbox_names_no_host_and_gives_messages_to_anybody() {
    let endpoint = Recorder::start().await.unwrap();
    // No client knows this authority, and the certificate is for another name.
    let certified = Authority::new().unwrap().certify("other.threadless.test").unwrap();
    let front = TlsFront::start(certified, endpoint.address()).await.unwrap();
    let options = KannelOptions::new(&format!("https://localhost:{}/backend/k/", front.address().port()));
    let found = check(&Conf::parse("k", options.file().as_bytes()), Folders::Ignored);
    assert!(found.iter().any(|finding| finding.check.name == "direct-https"), "{found:#?}");
    let kannel = Kannel::start(options).await.unwrap();
    kannel.smsc().text("1112223333", "1234", "hello").await.unwrap();
    let requests = endpoint.wait_for(1, LIMIT).await.unwrap();
    assert_eq!(requests[0].text("hex").as_deref(), Some("68656C6C6F"));
    assert_eq!(front.sessions()[0].server_name, None);
}
