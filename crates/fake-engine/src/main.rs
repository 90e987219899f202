//! The child: started by a worker whose `worker.engine_binary` is a link to this program.

use fake_engine::FakeEngine;

fn main() -> std::io::Result<()> {
    mystic_engine::child::serve::<FakeEngine>()
}
