/**
 * Event types by their numbers in the header's fifth byte.
 * Source: MySQL 9 libs/mysql/binlog/event/binlog_event.h and MariaDB 10.11 sql/log_event.h, enum Log_event_type.
 */
export const EVENT = {
  START_V3: 1,
  QUERY: 2,
  STOP: 3,
  ROTATE: 4,
  INTVAR: 5,
  APPEND_BLOCK: 9,
  DELETE_FILE: 11,
  RAND: 13,
  USER_VAR: 14,
  FORMAT_DESCRIPTION: 15,
  XID: 16,
  BEGIN_LOAD_QUERY: 17,
  EXECUTE_LOAD_QUERY: 18,
  TABLE_MAP: 19,
  INCIDENT: 26,
  HEARTBEAT: 27,
  ROWS_QUERY: 29,
  GTID: 33,
  ANONYMOUS_GTID: 34,
  PREVIOUS_GTIDS: 35,
  XA_PREPARE: 38,
  TRANSACTION_PAYLOAD: 40,
  HEARTBEAT_V2: 41,
  GTID_TAGGED: 42,
  ANNOTATE_ROWS: 160,
  BINLOG_CHECKPOINT: 161,
  MARIADB_GTID: 162,
  GTID_LIST: 163,
  START_ENCRYPTION: 164,
  QUERY_COMPRESSED: 165,
} as const;

/** Header flags. Source: MariaDB 10.11 sql/log_event.h, LOG_EVENT_*_F. */
export const EVENT_FLAG = {
  /** In a FORMAT_DESCRIPTION: the file was not closed. Left out of the event's CRC. */
  BINLOG_IN_USE: 0x1,
  /** The statement used a temporary table of its session. Seen on MariaDB 10.11.19 and MySQL 5.6.24. */
  THREAD_SPECIFIC: 0x4,
  /** Made by the sender of a stream; stands in no file. */
  ARTIFICIAL: 0x20,
  RELAY_LOG: 0x40,
  /** A reader that does not know the type may pass over it. */
  IGNORABLE: 0x80,
} as const;

/** time 4, type 1, server id 4, length 4, end position 4, flags 2. */
export const EVENT_HEADER_BYTES = 19;

/** First bytes of every plain binary log file: 0xfe 'bin'. */
export const BINLOG_MAGIC = Buffer.from([0xfe, 0x62, 0x69, 0x6e]);

/** First bytes of a MySQL 8 binary log encrypted on disk: 0xfd 'bin'. */
export const ENCRYPTED_MAGIC = Buffer.from([0xfd, 0x62, 0x69, 0x6e]);
