import type { AlertChannel } from './alert-channel.ts';
import { incidentMessage, togetherMessage, withdrawnMessage, type AlertMessage } from './alert-message.ts';
import type { Single, Together } from './alert-queue.ts';
import type { AlertSettings } from './alert-settings.ts';
import { runAlertCommand } from './command-channel.ts';
import { postAlert, webhookPlace } from './webhook-channel.ts';

/** An alert that is due within a second waits no longer than this for what the archive says about it, milliseconds. */
const RECOVERY_MS = 400;

interface MessageChannelOptions {
  readonly name: string;
  readonly hint: string;
  /** `primary.name`. */
  readonly primary: string;
  readonly runnable: (text: string) => string;
  send(message: AlertMessage, signal: AbortSignal): Promise<void>;
}

/** A channel that takes messages. */
class MessageChannel implements AlertChannel {
  readonly isForPeople = true;
  readonly #options: MessageChannelOptions;

  constructor(options: MessageChannelOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get hint(): string {
    return this.#options.hint;
  }

  async tell(what: Single | Together, signal: AbortSignal): Promise<void> {
    await this.#options.send(await this.#messageOf(what), signal);
  }

  async #messageOf(what: Single | Together): Promise<AlertMessage> {
    const { primary, runnable } = this.#options;
    if (what.kind === 'together') return togetherMessage(what, { primary, runnable, at: new Date() });
    const { incident, recovery } = what;
    if (incident.state === 'rolled-back') return withdrawnMessage(incident, { primary, at: new Date() });
    return incidentMessage(incident, {
      primary,
      recovery: await recovery.within(RECOVERY_MS),
      runnable,
      at: new Date(),
    });
  }
}

/** The channels that the settings name. */
export function messageChannels({
  primary,
  settings,
  runnable = (text) => text,
}: {
  primary: string;
  settings: AlertSettings;
  runnable?: ((text: string) => string) | undefined;
}): AlertChannel[] {
  const { webhook, command } = settings;
  const channels: AlertChannel[] = [];
  if (webhook !== null) {
    const hint = `Is ${webhookPlace(webhook)} up, and is incidents.alert_webhook right? What waits is sent again by itself.`;
    const send = postAlert.bind(null, webhook);
    channels.push(new MessageChannel({ name: 'webhook', hint, primary, runnable, send }));
  }
  if (command !== null) {
    const hint = 'Run incidents.alert_command by hand to see what is wrong. What waits is sent again by itself.';
    const send = runAlertCommand.bind(null, command);
    channels.push(new MessageChannel({ name: 'command', hint, primary, runnable, send }));
  }
  return channels;
}
