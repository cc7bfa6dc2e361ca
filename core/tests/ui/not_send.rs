//! An app that holds a value that is not `Send` while it waits.
//says future cannot be sent between threads safely
//says which is not `Send`
//says Rc<&str>
use std::rc::Rc;

use threadless::{App, AppError, Context, Handled};

struct Slow;

impl App for Slow {
    async fn handle(&self, cx: &mut Context) -> Result<Handled, AppError> {
        let text = Rc::new("20 birr");
        std::future::ready(()).await;
        cx.reply(*text);
        Ok(Handled::Yes)
    }
}
