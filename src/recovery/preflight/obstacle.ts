/** Something that keeps a server from being restored into. */
export interface Obstacle {
  /** After the server's name and a colon: "it holds schema shop". */
  readonly what: string;
  /** A sentence: the next safe step. */
  readonly fix: string;
}
