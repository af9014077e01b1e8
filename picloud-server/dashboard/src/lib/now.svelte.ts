// The present, renewed twice a minute: for texts such as "3 minutes ago".

class Now {
  value = $state(Date.now());

  constructor() {
    setInterval(() => (this.value = Date.now()), 30_000);
  }
}

export const clockNow = new Now();
