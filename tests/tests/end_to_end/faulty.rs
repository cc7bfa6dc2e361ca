//! Apps that fail, in the whole stack.

use tests::apps::Faulty;
use tests::http::get;
use tests::recorder::{Recorder, Reply};
use tests::services::waiting;
use tests::stack::with_apps;
use threadless::Router;
use threadless_local::Stack;

use super::{LIMIT, MODES, apps, settings, until};

fn with_a_faulty_one(router: Router) -> Router {
    apps(router.app(Faulty))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_fails_harms_neither_the_others_nor_other_messages() {
    for mode in MODES {
        let gateway = Recorder::start().await.unwrap();
        gateway.otherwise(|_| Reply::text("0: Accepted for delivery").with_status(202).into());
        let settings = settings(&[("k", mode, &gateway.url("/sendsms"))]);
        let start = with_apps(with_a_faulty_one, &settings);
        let stack = Stack::start(start).await.unwrap();
        let texts = ["error", "panic", "panic+later", "endless", "count+good"];
        for (nth, text) in texts.into_iter().enumerate() {
            for sender in ["1", "2"] {
                let url = format!("{}?id={sender}&text={text}&mid={nth}-{sender}", stack.backend_url("k"));
                assert_eq!(get(&url).await.unwrap().status, 200, "{mode} {text}");
            }
        }
        gateway.wait_for(10, LIMIT).await.unwrap();
        until("the queue is empty", || async { waiting(&stack.queue_url).await.unwrap() == 0 }).await;
        assert_eq!(waiting(&stack.dead_letters_url).await.unwrap(), 0, "{mode}");
        for sender in ["1", "2"] {
            let requests = gateway.requests();
            let of_sender = requests.iter().filter(|request| request.text("to").as_deref() == Some(sender));
            let replies: Vec<String> = of_sender.map(|request| request.text("text").unwrap()).collect();
            assert_eq!(replies, ["What?", "What?", "What?", "What?", "1 good"], "{mode}");
        }
    }
}
