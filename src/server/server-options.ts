/** How to reach one server. Exactly one of `socket` and `host` is used; `socket` wins. */
export interface ServerOptions {
  /** What messages call it: 'primary', 'replica' or the configured name. */
  readonly name: string;
  readonly host?: string;
  readonly port?: number;
  readonly socket?: string;
  readonly user: string;
  readonly password: string;
  readonly tls: 'off' | 'preferred' | 'required';
  /** Paths of PEM files. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The option file that all this was read from, where it is not in the configuration: hints name it. */
  readonly optionFile?: string;
}
