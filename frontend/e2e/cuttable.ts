import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy before the stack whose connections can be cut and refused, as a network or a restart would. */
export interface Cuttable {
  url: string
  cut: () => void
  mend: () => void
  close: () => Promise<void>
}

export async function cuttable(target: string): Promise<Cuttable> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let up = true

  const server = createServer((near) => {
    if (!up) {
      near.destroy()
      return
    }
    const far = connect(Number(port), hostname)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const cut = () => {
    up = false
    for (const socket of sockets) {
      socket.destroy()
    }
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    mend: () => {
      up = true
    },
    close: () => {
      cut()
      return new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
      })
    },
  }
}
