use std::collections::BTreeMap;

use mystic_domain::{DeviceId, DeviceModel, Provenance, UsedFile};

/// What a picture was made with that no engine has made.
#[must_use]
pub fn provenance() -> Provenance {
    Provenance {
        version: "0".into(),
        libraries: BTreeMap::new(),
        host: "host".into(),
        device: DeviceModel {
            id: DeviceId("host/cpu".into()),
            kind: "cpu".into(),
            name: "a processor".into(),
        },
        sampler: Some("euler".into()),
        scheduler: Some("discrete".into()),
        files: vec![UsedFile {
            role: "files.model".into(),
            path: "a.gguf".into(),
            bytes: 7,
            modified_ns: 1,
        }],
        loras: Vec::new(),
    }
}
