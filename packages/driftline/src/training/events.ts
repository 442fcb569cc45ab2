// The trainer's standard output as events: JSON lines of bounded length, and whatever else it prints as log events.

export type TrainerEvent = Record<string, unknown> & { event: string };

const maxLineCharacters = 1 << 20;
const maxTextCharacters = 2000;

/** Takes pieces of text and calls `onEvent` for each line; `isEvent` tells protocol from mere words. */
export function eventReader(onEvent: (event: TrainerEvent, isEvent: boolean) => void): {
  take(text: string): void;
  end(): void;
} {
  let buffered = "";
  const handle = (line: string) => {
    if (line.trim() === "") return;
    const event = parseEvent(line);
    if (event) onEvent(event, true);
    else onEvent({ event: "log", message: plainText(line) }, false);
  };
  return {
    take(text) {
      const lines = (buffered + text).split("\n");
      buffered = lines.pop() ?? "";
      for (const line of lines) handle(line);
      if (buffered.length > maxLineCharacters) {
        handle(`${buffered.slice(0, 200)}… (line cut)`);
        buffered = "";
      }
    },
    end() {
      handle(buffered);
      buffered = "";
    },
  };
}

function parseEvent(line: string): TrainerEvent | null {
  try {
    const value: unknown = JSON.parse(line);
    const isEvent =
      typeof value === "object" && value !== null && "event" in value && typeof value.event === "string";
    return isEvent ? (value as TrainerEvent) : null;
  } catch {
    return null;
  }
}

/** A trainer's words as they can be shown: not too many, and nothing that moves a terminal's cursor. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be taken out
  return text.slice(0, maxTextCharacters).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}
