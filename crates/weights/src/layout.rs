//! Where tensors lie: inside the file, each once, and none on another.

use crate::{Problem, Tensor};

/// A tensor and where it begins in the tensors' data, in bytes.
pub(crate) struct Placed {
    pub(crate) tensor: Tensor,
    pub(crate) start: u64,
}

/// Holds the tensors against each other and against the file's length; `data` is where their data begins, `slack` what
/// may lie between two of them. Tells where the last one ends in the file.
pub(crate) fn check(placed: &[Placed], data: u64, slack: u64, len: u64) -> Result<u64, Problem> {
    let mut names: Vec<&str> = placed.iter().map(|at| at.tensor.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Problem::Twice {
            what: "tensor",
            name: twice[0].to_owned(),
        });
    }
    if placed.is_empty() {
        return Err(Problem::Empty);
    }
    let mut order: Vec<&Placed> = placed.iter().collect();
    order.sort_by_key(|at| (at.start, at.tensor.bytes));
    let mut free = 0;
    for Placed { tensor, start } in order {
        if *start < free || *start - free > slack {
            let allowed = match slack {
                0 => format!("{free}, where the one before it ends"),
                _ => format!("{free} to {}, behind the one before it", free + slack),
            };
            return Err(Problem::Place {
                tensor: tensor.name.clone(),
                found: *start,
                allowed,
            });
        }
        // What does not fit a number ends behind any file.
        free = start.saturating_add(tensor.bytes);
        let end = data.saturating_add(free);
        if end > len {
            return Err(Problem::Cut {
                what: format!("tensor {}", tensor.name),
                end,
                len,
            });
        }
    }
    Ok(data + free)
}
