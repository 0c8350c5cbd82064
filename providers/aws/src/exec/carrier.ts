/** What a session comes by, as its errors speak of it. */
export interface Carrier {
  /** As AWS calls it. */
  readonly name: string;
  /** Where the programs are that it takes. */
  readonly place: 'image' | 'machine';
  /** What to do where one is missing. */
  readonly needs: string;
  /** What becomes of a command whose connection was lost. */
  readonly afterwards: string;
}

/** @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html (20 minutes) */
export const ECS_EXEC: Carrier = {
  name: 'ECS Exec',
  place: 'image',
  needs: 'take an image that has /bin/sh, stty, tee and wc: ECS Exec tells no exit code without them',
  afterwards: 'what still runs, AWS ends 20 minutes after the connection was lost',
};

export const SESSION_MANAGER: Carrier = {
  name: 'Session Manager',
  place: 'machine',
  needs:
    'a machine of an older version has no program for it: destroy the environment, and create it again; an image of your own needs sudo, setpriv, stty, tee and wc',
  afterwards: 'what still ran is ended with its session',
};
