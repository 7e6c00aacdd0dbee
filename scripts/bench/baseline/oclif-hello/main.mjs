// The least an oclif program can be: what `karta project list` is held against.
import { execute } from "@oclif/core";

await execute({ dir: import.meta.url });
