//! `/api/v1/images`

pub mod bulk;
pub mod delete;
pub mod facets;
pub mod file;
pub mod filter;
pub mod import;
pub mod lineage;
pub mod list;
pub mod mark;
pub mod receipt;
pub mod restore;
pub mod settings;
pub mod show;
pub mod similar;
pub mod tag;
pub mod thumb;
pub mod untag;
pub mod verify;
