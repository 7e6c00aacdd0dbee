/** What makes an object a Karta app: `Symbol.for("karta.app")`. */
export declare const kartaApp: unique symbol;

/** An app. One instance a module, named by karta.toml's `entry_point`. */
export declare class Karta {
  /** How many of each kind are registered. */
  [kartaApp](): { handlers: number; policies: number; tools: number };
}
