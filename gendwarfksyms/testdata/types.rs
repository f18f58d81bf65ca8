// What debugging information of Rust can hold.
#![crate_type = "lib"]
#![no_std]

pub mod shapes {
    pub enum Tree {
        Leaf(u8),
        Node { value: u32, left: Option<&'static Tree> },
        Empty,
    }
    pub struct Pair<T>(pub T, pub u8);
    pub union Bits {
        pub number: u32,
        pub float: f32,
    }
    #[repr(u8)]
    pub enum Level {
        Low = 1,
        High = 200,
    }
    #[repr(C)]
    pub struct Node {
        pub next: *const Node,
        pub name: &'static str,
        pub call: extern "C" fn(i32) -> u64,
        pub any: &'static dyn Act,
    }
    pub trait Act {
        fn act(&self) -> u8;
    }
}
use shapes::*;

#[no_mangle]
pub fn tree(_tree: &Tree, _pair: Pair<Result<u8, core::num::ParseIntError>>) -> Option<u32> {
    None
}
#[no_mangle]
pub static PAIR: Pair<[u16; 7]> = Pair([0; 7], 1);
#[no_mangle]
pub extern "C" fn node(_node: *mut Node, _bits: Bits, level: Level) -> u8 {
    level as u8
}
#[no_mangle]
pub fn tuple(_t: (u8, (u16, i64)), _s: &[u8], _o: core::ops::Range<usize>) -> ! {
    loop {}
}
pub fn mangled(x: Option<&Tree>) -> bool {
    x.is_some()
}
