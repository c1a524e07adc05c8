//! Loops compiled for the instructions that the machine has.
//!
//! A plain x86-64 build may use vectors of two doubles only. `wide!` compiles a function once for each
//! instruction set `pulp` knows and picks at run time. The compiler vectorises as it sees fit but neither fuses
//! nor reorders floating-point operations, so every choice gives the same bits.

#[cfg(test)]
use crate::simd::Level;

/// Defines a function whose body is compiled for each instruction set.
macro_rules! wide {
    ($(#[$attribute:meta])* fn $name:ident<$life:lifetime>($($argument:ident: $type:ty),* $(,)?) -> $output:ty $body:block) => {
        $(#[$attribute])*
        fn $name<$life>($($argument: $type),*) -> $output {
            struct Work<$life> {
                $($argument: $type),*
            }
            impl<$life> pulp::WithSimd for Work<$life> {
                type Output = $output;

                // Only what is inlined into the dispatch is compiled for its instruction set.
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) -> $output {
                    let Self { $($argument),* } = self;
                    $body
                }
            }
            crate::wide::arch().dispatch(Work { $($argument),* })
        }
    };
}

pub(crate) use wide;

/// The instructions to use: the widest there are.
#[cfg(not(test))]
pub(crate) fn arch() -> pulp::Arch {
    pulp::Arch::new()
}

/// The instructions to use: the widest there are, or none wider than a test asked for.
#[cfg(test)]
pub(crate) fn arch() -> pulp::Arch {
    if limit() == Level::Plain { pulp::Arch::Scalar } else { pulp::Arch::new() }
}

/// The widest instructions that a test allows.
#[cfg(test)]
pub(crate) fn limit() -> Level {
    LIMIT.get()
}

#[cfg(test)]
thread_local! {
    static LIMIT: std::cell::Cell<Level> = const { std::cell::Cell::new(Level::Avx512) };
}

/// Runs a test's work on this thread with no wider instructions.
#[cfg(test)]
pub(crate) fn limited_to<T>(level: Level, work: impl FnOnce() -> T) -> T {
    let before = LIMIT.replace(level);
    let done = work();
    LIMIT.set(before);
    done
}
